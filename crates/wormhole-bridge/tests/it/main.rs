//! The bridge through real Chromium.

#[cfg(test)]
mod alerts;
#[cfg(test)]
mod browser_disk;
#[cfg(test)]
mod browser_faults;
#[cfg(test)]
mod browser_fetch;
#[cfg(test)]
mod browser_nuisances;
#[cfg(test)]
mod browser_page;
#[cfg(test)]
mod browser_profile;
#[cfg(test)]
mod browser_publish;
#[cfg(test)]
mod browser_site;
#[cfg(test)]
mod browser_snapshot;
#[cfg(test)]
mod browser_socket;
#[cfg(test)]
mod browser_start;
#[cfg(test)]
mod browser_wear;
#[cfg(test)]
mod canary;
#[cfg(test)]
mod console_client;
#[cfg(test)]
mod console_door;
#[cfg(test)]
mod console_person;
#[cfg(test)]
mod console_pictures;
#[cfg(test)]
mod diagnostics;
#[cfg(test)]
mod dom_markdown;
#[cfg(test)]
mod dom_turns;
#[cfg(test)]
mod session_counts;
#[cfg(test)]
mod session_faults;
#[cfg(test)]
mod session_hub;
#[cfg(test)]
mod session_life;
#[cfg(test)]
mod session_orders;
#[cfg(test)]
mod session_profile;
#[cfg(test)]
mod session_recycle;
#[cfg(test)]
mod session_stand;
#[cfg(test)]
mod turn_answers;
#[cfg(test)]
mod turn_faults;
#[cfg(test)]
mod turn_images;
#[cfg(test)]
mod turn_socket;
