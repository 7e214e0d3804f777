//! The runtime from outside: processes, signals and the admin port.

#[cfg(test)]
mod admin;
#[cfg(test)]
mod process;
