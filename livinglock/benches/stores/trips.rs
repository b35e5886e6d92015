//! How often each operation waits for the server.

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, Shutdown, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    thread,
};

use livinglock_tests::Server;

use crate::{OPERATIONS, pair, whole, whole_bare};

/// Counts what goes through a proxy.
#[derive(Debug, Default)]
struct Counters {
    connections: AtomicU64,
    /// Answers, however many packets they took.
    trips: AtomicU64,
}

/// Prints the connections that each operation makes, and how often it asks and waits for an answer. Nobody else is at the server.
///
/// A new session of `PostgreSQL` asks one thing less than without a proxy, which it notices.
pub(crate) fn count(server: &Server) {
    let counters = Arc::new(Counters::default());
    let port = proxy(server.port(), &counters).expect("a proxy");
    let engine = server.engine();
    println!("\n{engine}: new connections, and round trips without those of TCP\n");
    println!("| operation | bare | ours |");
    println!("|---|--:|--:|");
    for operation in OPERATIONS {
        let counted = pair(engine, port, operation).map(|mut client| {
            // The first one connects.
            operation.time(&mut *client, 1);
            (operation.prepare)(&mut *client);
            counters.during(|| (operation.run)(&mut *client))
        });
        println!("| {} | {} | {} |", operation.ours, counted[0], counted[1]);
    }
    let counted = [
        counters.during(|| whole_bare(engine, port)),
        counters.during(|| whole(engine, port)),
    ];
    println!(
        "| `acquire_in` and `release` | {} | {} |",
        counted[0], counted[1]
    );
}

impl Counters {
    /// What is counted while something is done.
    fn during(&self, action: impl FnOnce()) -> String {
        let now = || (self.connections.load(SeqCst), self.trips.load(SeqCst));
        let before = now();
        action();
        let after = now();
        let (connections, trips) = (after.0 - before.0, after.1 - before.1);
        match connections {
            0 => trips.to_string(),
            _ => format!("{trips}, {connections} new"),
        }
    }
}

/// Starts a proxy before a server, for as long as this process lives: its port.
fn proxy(server: u16, counters: &Arc<Counters>) -> io::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = listener.local_addr()?.port();
    let counters = Arc::clone(counters);
    thread::spawn(move || {
        for client in listener.incoming() {
            // Whoever is not served says so.
            let _ = client.and_then(|client| serve(client, server, &counters));
        }
    });
    Ok(port)
}

fn serve(client: TcpStream, server: u16, counters: &Arc<Counters>) -> io::Result<()> {
    counters.connections.fetch_add(1, SeqCst);
    let server = TcpStream::connect((Ipv4Addr::LOCALHOST, server))?;
    let is_asked = Arc::new(AtomicBool::new(false));
    let (from, to) = (client.try_clone()?, server.try_clone()?);
    let asked = Arc::clone(&is_asked);
    thread::spawn(move || pass_on(from, to, || asked.store(true, SeqCst)));
    let counters = Arc::clone(counters);
    thread::spawn(move || {
        pass_on(server, client, || {
            if is_asked.swap(false, SeqCst) {
                counters.trips.fetch_add(1, SeqCst);
            }
        });
    });
    Ok(())
}

/// Passes on what comes, and tells of it before.
fn pass_on(mut from: TcpStream, mut to: TcpStream, tell: impl Fn()) {
    let mut buffer = [0; 16384];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        tell();
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    // The other end may have gone already.
    let _ = to.shutdown(Shutdown::Write);
}
