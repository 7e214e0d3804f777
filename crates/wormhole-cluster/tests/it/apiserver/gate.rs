//! A relay before an API server: its address stays while the server goes and comes, and it counts who came in vain.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

struct Way {
    to: SocketAddr,
    /// Cuts what goes this way.
    closed: CancellationToken,
}

pub(crate) struct Gate {
    addr: SocketAddr,
    way: Arc<Mutex<Option<Way>>>,
    refused: Arc<AtomicUsize>,
    _tasks: JoinSet<()>,
}

impl Gate {
    pub(crate) async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (way, refused) = (Arc::default(), Arc::default());
        let mut tasks = JoinSet::new();
        tasks.spawn(relay(listener, Arc::clone(&way), Arc::clone(&refused)));
        let gate = Self { addr, way, refused, _tasks: tasks };
        gate.open_to(server);
        gate
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub(crate) fn open_to(&self, to: SocketAddr) {
        *self.way.lock().unwrap() = Some(Way { to, closed: CancellationToken::new() });
    }

    pub(crate) fn close(&self) {
        if let Some(way) = self.way.lock().unwrap().take() {
            way.closed.cancel();
        }
    }

    pub(crate) fn refused(&self) -> usize {
        self.refused.load(Ordering::SeqCst)
    }
}

async fn relay(listener: TcpListener, way: Arc<Mutex<Option<Way>>>, refused: Arc<AtomicUsize>) {
    let mut open = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let Some((to, closed)) = way.lock().unwrap().as_ref().map(|way| (way.to, way.closed.clone())) else {
            refused.fetch_add(1, Ordering::SeqCst);
            continue;
        };
        open.spawn(closed.run_until_cancelled_owned(carry(stream, to)));
        while open.try_join_next().is_some() {}
    }
}

async fn carry(mut stream: TcpStream, to: SocketAddr) {
    let Ok(mut server) = TcpStream::connect(to).await else { return };
    // Either side may just leave.
    drop(copy_bidirectional(&mut stream, &mut server).await);
}
