//! A TCP relay that tests can cut: what a broken network looks like to both ends.

use std::io;
use std::net::SocketAddr;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Relays connections to `target`. Dropping it ends all of them.
pub struct Link {
    addr: SocketAddr,
    /// Counts the cuts: connections made before a cut end at it.
    cuts: watch::Sender<u64>,
    open: watch::Sender<bool>,
    _tasks: JoinSet<()>,
}

impl Link {
    /// Listens on a free loopback port.
    ///
    /// # Errors
    /// When it cannot.
    pub async fn to(target: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let addr = listener.local_addr()?;
        let (cuts, _) = watch::channel(0);
        let (open, _) = watch::channel(true);
        let mut tasks = JoinSet::new();
        tasks.spawn(relay(listener, target, cuts.subscribe(), open.subscribe()));
        Ok(Self { addr, cuts, open, _tasks: tasks })
    }

    /// Where to connect in place of the target.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Ends every connection now; new ones are refused until [`Link::restore`].
    pub fn cut(&self) {
        self.open.send_replace(false);
        self.cuts.send_modify(|count| *count += 1);
    }

    /// Lets connections through again.
    pub fn restore(&self) {
        self.open.send_replace(true);
    }
}

async fn relay(
    listener: TcpListener,
    target: SocketAddr,
    cuts: watch::Receiver<u64>,
    open: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    while let Ok((near, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        if *open.borrow() {
            connections.spawn(carry(near, target, cuts.clone()));
        }
    }
}

async fn carry(mut near: TcpStream, target: SocketAddr, mut cuts: watch::Receiver<u64>) {
    cuts.mark_unchanged();
    let Ok(mut far) = TcpStream::connect(target).await else { return };
    let _ = (near.set_nodelay(true), far.set_nodelay(true));
    tokio::select! {
        _ = copy_bidirectional(&mut near, &mut far) => {}
        _ = cuts.changed() => {}
    }
}
