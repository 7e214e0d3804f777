//! The bridge through real Chromium.

#[cfg(test)]
mod browser_faults;
#[cfg(test)]
mod browser_fetch;
#[cfg(test)]
mod browser_page;
#[cfg(test)]
mod browser_profile;
#[cfg(test)]
mod browser_site;
#[cfg(test)]
mod browser_socket;
#[cfg(test)]
mod browser_start;
#[cfg(test)]
mod dom_markdown;
#[cfg(test)]
mod dom_turns;
#[cfg(test)]
mod session_faults;
#[cfg(test)]
mod session_hub;
#[cfg(test)]
mod session_life;
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
