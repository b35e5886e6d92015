//! One connection of a client with the server: a thread that reads, keeps, and writes.

use std::{
    collections::VecDeque,
    io::{self, PipeReader, Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream},
    sync::{
        Arc,
        atomic::Ordering,
        mpsc::{self, TryRecvError},
    },
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    net::sockopt::set_socket_linger,
};

use super::{Direction, Order, Shared};

/// The server may stand still with as many at its door as it allows. Until then the kernel alone connects.
const CONNECTING: Duration = Duration::from_secs(5);

/// A connection, until it has ended both ways or is cut.
pub(super) struct Connection {
    shared: Arc<Shared>,
    client: TcpStream,
    orders: mpsc::Receiver<Order>,
    bell: PipeReader,
    /// To the server, and to the client.
    ways: [Way; 2],
}

/// What goes one way.
#[derive(Default)]
struct Way {
    sent: VecDeque<(Instant, Item)>,
    /// The sender will send no more.
    is_all_read: bool,
    /// The receiver takes no more for now.
    is_full: bool,
    end: End,
}

/// Whether the receiver gets more.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum End {
    #[default]
    Open,
    /// The test wants it to get no more.
    Wanted,
    /// It was told so.
    Told,
}

/// What a sender sends.
enum Item {
    Bytes(Vec<u8>),
    End,
    Reset,
}

/// The connection is over at once, for both sides.
struct Over;

impl Connection {
    pub(super) fn new(
        shared: Arc<Shared>,
        client: TcpStream,
        orders: mpsc::Receiver<Order>,
        bell: PipeReader,
    ) -> Self {
        Self {
            shared,
            client,
            orders,
            bell,
            ways: Default::default(),
        }
    }

    pub(super) fn serve(mut self) {
        // Whatever ends early ends by a reset.
        let mut server = None;
        if self.run(&mut server).is_err() {
            for stream in server.iter().chain([&self.client]) {
                set_socket_linger(stream, Some(Duration::ZERO)).expect("prepare a reset");
            }
        }
    }

    fn run(&mut self, server: &mut Option<TcpStream>) -> Result<(), Over> {
        self.wait_out_the_hole(Direction::ToServer)?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.shared.server));
        let Ok(connected) = TcpStream::connect_timeout(&address, CONNECTING) else {
            // The reset comes from where the server would be.
            self.wait_out_the_hole(Direction::ToClient)?;
            return Err(Over);
        };
        let server = server.insert(connected);
        for stream in [&*server, &self.client] {
            stream.set_nonblocking(true).expect("block no more");
            // Bytes wait here for nothing but what the test wants.
            stream.set_nodelay(true).expect("wait no more");
        }
        loop {
            for direction in Direction::BOTH {
                self.pass_on(direction, server)?;
            }
            if self.ways.iter().all(|way| way.end == End::Told) {
                return Ok(());
            }
            self.wait(server)?;
            for direction in Direction::BOTH {
                self.read(direction, server);
            }
        }
    }

    /// Waits, before there is a connection to the server, until nothing is in the way, and the client is still there.
    fn wait_out_the_hole(&mut self, direction: Direction) -> Result<(), Over> {
        while self.shared.weather(direction).is_hole {
            let mut ready = [
                PollFd::new(&self.bell, PollFlags::IN),
                PollFd::new(&self.client, PollFlags::RDHUP),
            ];
            wait_for(&mut ready, None);
            let [rings, has_gone] = ready.map(|fd| !fd.revents().is_empty());
            if has_gone {
                return Err(Over);
            }
            self.obey(rings)?;
        }
        Ok(())
    }

    /// Writes what is due.
    fn pass_on(&mut self, direction: Direction, server: &TcpStream) -> Result<(), Over> {
        let weather = self.shared.weather(direction);
        let now = Instant::now();
        let [to_server, to_client] = &mut self.ways;
        let (way, way_back, mut receiver) = match direction {
            Direction::ToServer => (to_server, to_client, server),
            Direction::ToClient => (to_client, to_server, &self.client),
        };
        way.is_full = false;
        if way.end == End::Wanted {
            way.close(receiver);
        }
        if weather.is_hole {
            return Ok(());
        }
        while let Some((arrived, item)) = way.sent.front_mut()
            && *arrived + weather.delay <= now
        {
            match item {
                Item::Bytes(bytes) if way.end == End::Open => match receiver.write(bytes) {
                    Ok(count) => {
                        let passed = u64::try_from(count).expect("a count of bytes");
                        self.shared.passed[direction as usize].fetch_add(passed, Ordering::Relaxed);
                        bytes.drain(..count);
                        if !bytes.is_empty() {
                            continue;
                        }
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        way.is_full = true;
                        return Ok(());
                    }
                    Err(_) => {
                        // The receiver has reset the connection, of which the sender hears from the other way.
                        way.end = End::Told;
                        way_back.is_all_read = true;
                        way_back.sent.push_back((now, Item::Reset));
                    }
                },
                Item::Bytes(_) => {}
                Item::End => way.close(receiver),
                Item::Reset => return Err(Over),
            }
            way.sent.pop_front();
        }
        Ok(())
    }

    /// Waits until something is due, there is something to read, or an order.
    fn wait(&mut self, server: &TcpStream) -> Result<(), Over> {
        let due = Direction::BOTH.map(|direction| {
            let weather = self.shared.weather(direction);
            let way = &self.ways[direction as usize];
            let (arrived, _) = way.sent.front()?;
            (!weather.is_hole && !way.is_full).then(|| *arrived + weather.delay)
        });
        let next = due.into_iter().flatten().min();
        let mut ready = vec![PollFd::new(&self.bell, PollFlags::IN)];
        let [to_server, to_client] = &self.ways;
        for (stream, from, to) in [
            (&self.client, to_server, to_client),
            (server, to_client, to_server),
        ] {
            let mut flags = PollFlags::empty();
            flags.set(PollFlags::IN, !from.is_all_read);
            flags.set(PollFlags::OUT, to.is_full);
            // With none at all we would be told again and again that it has hung up.
            if !flags.is_empty() {
                ready.push(PollFd::new(stream, flags));
            }
        }
        wait_for(&mut ready, next);
        let rings = !ready[0].revents().is_empty();
        self.obey(rings)
    }

    /// Does what we are told, if the bell rings.
    fn obey(&mut self, rings: bool) -> Result<(), Over> {
        if rings {
            // What is left rings again.
            let _ = self.bell.read(&mut [0; 64]).expect("hear the bell");
        }
        loop {
            match self.orders.try_recv() {
                Ok(Order::Look) => {}
                Ok(Order::HalfClose(direction)) => {
                    let way = &mut self.ways[direction as usize];
                    if way.end == End::Open {
                        way.end = End::Wanted;
                    }
                }
                Ok(Order::Cut) | Err(TryRecvError::Disconnected) => return Err(Over),
                Err(TryRecvError::Empty) => return Ok(()),
            }
        }
    }

    /// Reads what there is.
    fn read(&mut self, direction: Direction, server: &TcpStream) {
        let way = &mut self.ways[direction as usize];
        if way.is_all_read {
            return;
        }
        let mut sender = match direction {
            Direction::ToServer => &self.client,
            Direction::ToClient => server,
        };
        let mut buffer = [0; 16 * 1024];
        let item = match sender.read(&mut buffer) {
            Ok(0) => Item::End,
            Ok(count) => {
                let arrived = u64::try_from(count).expect("a count of bytes");
                self.shared.arrived[direction as usize].fetch_add(arrived, Ordering::Relaxed);
                Item::Bytes(buffer[..count].to_vec())
            }
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
                ) =>
            {
                return;
            }
            Err(_) => Item::Reset,
        };
        way.is_all_read = !matches!(item, Item::Bytes(_));
        way.sent.push_back((Instant::now(), item));
    }
}

impl Way {
    /// Tells the receiver that it will get no more.
    fn close(&mut self, receiver: &TcpStream) {
        if self.end != End::Told {
            self.end = End::Told;
            // It may have gone.
            let _ = receiver.shutdown(Shutdown::Write);
        }
    }
}

/// Waits until one of these is ready, or this time; less if a signal comes.
fn wait_for(ready: &mut [PollFd<'_>], until: Option<Instant>) {
    let timeout = until.map(|until| {
        let left = until.saturating_duration_since(Instant::now());
        Timespec::try_from(left).expect("a time that somebody waits for")
    });
    match poll(ready, timeout.as_ref()) {
        Ok(_) => {}
        Err(Errno::INTR) => ready.iter_mut().for_each(PollFd::clear_revents),
        Err(error) => panic!("wait for a connection: {error}"),
    }
}
