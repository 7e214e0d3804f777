//! Links over real WebSockets, to a small hub that does what the test tells it.

#[cfg(test)]
mod hub;
#[cfg(test)]
mod link;
#[cfg(test)]
mod page;
#[cfg(test)]
mod sender;
