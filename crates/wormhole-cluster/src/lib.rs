#![doc = include_str!("../README.md")]

mod cluster;
pub mod forward;
pub mod lease;
pub mod news;
pub mod pods;

pub use crate::cluster::{Cluster, ClusterError};
