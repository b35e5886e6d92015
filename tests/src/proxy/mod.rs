//! The network before a server, as bad as a test wants it to be.

mod connection;

use std::{
    io::{PipeWriter, Write},
    net::{Ipv4Addr, TcpListener},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use connection::Connection;
use rustix::net::{Shutdown, listen, shutdown, sockopt::set_socket_reuseaddr};

use crate::port;

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From clients to the server.
    ToServer,
    /// From the server to its clients.
    ToClient,
}

impl Direction {
    /// Both of them.
    pub const BOTH: [Self; 2] = [Self::ToServer, Self::ToClient];

    /// The other one.
    #[must_use]
    pub fn back(self) -> Self {
        match self {
            Self::ToServer => Self::ToClient,
            Self::ToClient => Self::ToServer,
        }
    }
}

/// A TCP proxy on loopback before a server. It passes everything on, until it is told otherwise.
///
/// What it is told holds for the connections that are there and for those that come; those are there that
/// [`connections`](Self::connections) has counted, a little after their client has connected. Dropped, it cuts all of them.
#[derive(Debug)]
pub struct Proxy {
    shared: Arc<Shared>,
    accepts: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    /// Stays bound when it listens no more, so that nobody else gets the port.
    listener: TcpListener,
    port: u16,
    server: u16,
    state: Mutex<State>,
    /// The door has changed.
    changed: Condvar,
    connections: AtomicU64,
    arrived: [AtomicU64; 2],
    passed: [AtomicU64; 2],
}

#[derive(Debug)]
struct State {
    door: Door,
    weather: [Weather; 2],
    lines: Vec<Line>,
}

/// Whether clients are let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Door {
    Open,
    Shut,
    /// For ever.
    Gone,
}

/// What befalls bytes on one way.
#[derive(Clone, Copy, Debug, Default)]
struct Weather {
    is_hole: bool,
    delay: Duration,
}

/// The line to the thread of a connection.
#[derive(Debug)]
struct Line {
    orders: mpsc::Sender<Order>,
    /// Wakes it up.
    bell: PipeWriter,
    thread: JoinHandle<()>,
}

/// What a connection is told.
#[derive(Clone, Copy, Debug)]
enum Order {
    /// The weather has changed.
    Look,
    HalfClose(Direction),
    Cut,
}

impl Proxy {
    /// Starts one before the server at this port of 127.0.0.1, which need not be there yet.
    ///
    /// # Panics
    ///
    /// No port is free.
    #[must_use]
    pub fn to(server: u16) -> Self {
        Self::at(Ipv4Addr::LOCALHOST, server)
    }

    /// The same at another address of this machine.
    ///
    /// # Panics
    ///
    /// No port is free there.
    #[must_use]
    pub fn at(address: Ipv4Addr, server: u16) -> Self {
        let listener = port::listen(address);
        let port = listener.local_addr().expect("read the address").port();
        let shared = Arc::new(Shared {
            listener,
            port,
            server,
            state: Mutex::new(State {
                door: Door::Open,
                weather: Default::default(),
                lines: Vec::new(),
            }),
            changed: Condvar::new(),
            connections: AtomicU64::default(),
            arrived: Default::default(),
            passed: Default::default(),
        });
        let accepts = thread::spawn({
            let shared = Arc::clone(&shared);
            move || shared.accept()
        });
        Self {
            shared,
            accepts: Some(accepts),
        }
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.shared.port
    }

    /// How many connections it has accepted.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.shared.connections.load(Ordering::Relaxed)
    }

    /// How many connections are there now, to both sides or on the way to the server.
    #[must_use]
    pub fn open_connections(&self) -> usize {
        let state = self.shared.state();
        let open = state.lines.iter().filter(|line| !line.thread.is_finished());
        open.count()
    }

    /// How many bytes somebody has sent this way: those that were passed on, and those that were not yet, or never will be.
    #[must_use]
    pub fn arrived(&self, direction: Direction) -> u64 {
        self.shared.arrived[direction as usize].load(Ordering::Relaxed)
    }

    /// How many bytes it has passed on this way.
    #[must_use]
    pub fn passed(&self, direction: Direction) -> u64 {
        self.shared.passed[direction as usize].load(Ordering::Relaxed)
    }

    /// Passes everything on at once, both ways, and first what it has held back: as TCP does when a partition of the network is over.
    pub fn pass(&self) {
        self.change(|weather| *weather = Default::default());
    }

    /// Holds back what is sent this way, the end of a connection included; nobody is told.
    ///
    /// A new connection is accepted; in a hole on the way to the server this hears of it only when the hole is over, and not at all if
    /// the client has gone by then.
    pub fn black_hole(&self, direction: Direction) {
        self.change(|weather| weather[direction as usize].is_hole = true);
    }

    /// Passes on what is sent this way when it is so old; what is under way too.
    pub fn delay(&self, direction: Direction, delay: Duration) {
        self.change(|weather| weather[direction as usize].delay = delay);
    }

    /// Closes this way of the connections that are there: the receiver finds its end, even in a hole, and what the sender still sends is
    /// lost.
    pub fn half_close(&self, direction: Direction) {
        self.shared.state().tell_all(Order::HalfClose(direction));
    }

    /// Resets all connections that are there, to both sides. They are gone when this returns.
    ///
    /// # Panics
    ///
    /// The thread of one has.
    pub fn cut(&self) {
        let mut state = self.shared.state();
        state.tell_all(Order::Cut);
        let lines = std::mem::take(&mut state.lines);
        // Whoever looks at the weather needs the state.
        drop(state);
        for line in lines {
            line.thread.join().expect("cut a connection");
        }
    }

    /// Refuses new connections, as a machine does on which nothing listens. Those that are there stay.
    ///
    /// # Panics
    ///
    /// The kernel does not let us.
    pub fn refuse(&self) {
        self.shared.shut(Door::Shut);
    }

    /// Accepts connections again, at the same port.
    ///
    /// # Panics
    ///
    /// The kernel does not let us.
    pub fn accept_again(&self) {
        const WAITING: i32 = 128;
        let mut state = self.shared.state();
        // Connections are still there, or were lately.
        set_socket_reuseaddr(&self.shared.listener, true).expect("reuse the port");
        listen(&self.shared.listener, WAITING).expect("listen again");
        state.door = Door::Open;
        self.shared.changed.notify_all();
    }

    fn change(&self, change: impl FnOnce(&mut [Weather; 2])) {
        let mut state = self.shared.state();
        change(&mut state.weather);
        state.tell_all(Order::Look);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.shut(Door::Gone);
        if let Some(accepts) = self.accepts.take() {
            // Had it panicked, nobody could be told here.
            let _ = accepts.join();
        }
        self.cut();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // Whoever has panicked with it has left it whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn weather(&self, direction: Direction) -> Weather {
        self.state().weather[direction as usize]
    }

    /// Lets clients in until the door is gone.
    fn accept(self: &Arc<Self>) {
        loop {
            // Ends with an error as soon as the socket listens no more.
            let Ok((client, _)) = self.listener.accept() else {
                let is_shut = |state: &mut State| state.door == Door::Shut;
                let state = self.changed.wait_while(self.state(), is_shut);
                let state = state.unwrap_or_else(PoisonError::into_inner);
                if state.door == Door::Gone {
                    break;
                }
                continue;
            };
            let (orders, told) = mpsc::channel();
            let (wakes, bell) = std::io::pipe().expect("make a pipe");
            let connection = Connection::new(Arc::clone(self), client, told, wakes);
            let mut state = self.state();
            let thread = thread::spawn(move || connection.serve());
            state.lines.push(Line {
                orders,
                bell,
                thread,
            });
            self.connections.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn shut(&self, door: Door) {
        let mut state = self.state();
        if state.door == Door::Open {
            // Of a socket that listens, this takes just that. It stays bound, and its port answers with a reset.
            shutdown(&self.listener, Shutdown::Both).expect("listen no more");
            // Else anybody who wants to reuse the port may, as the standard library does.
            set_socket_reuseaddr(&self.listener, false).expect("keep the port");
        }
        state.door = door;
        self.changed.notify_all();
    }
}

impl State {
    fn tell_all(&mut self, order: Order) {
        self.lines.retain(|line| !line.thread.is_finished());
        for line in &mut self.lines {
            // It may end at this moment.
            let _ = line.orders.send(order);
            let _ = line.bell.write_all(&[0]);
        }
    }
}
