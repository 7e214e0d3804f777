//! The contract: what the fixtures show is what Rust reads and writes, and nothing that arrives makes it panic.

#[cfg(test)]
mod codes;
#[cfg(test)]
mod contract;
#[cfg(test)]
mod robustness;
