//! The peers of these rows, measured in the same run: SQLite taking a million rows (through
//! python3, whose standard library has it) and the packers on the plain list.

use crate::tools;
use std::{
    io::{Read, Write},
    os::unix::net::UnixStream,
    path::Path,
    process::{Child, Command, Stdio},
    time::Instant,
};

const SQLITE: &str = "
import sqlite3,time,os,sys,random
L=open(sys.argv[1]).read().split(); f=sys.argv[2]
for order in ('shuffled','presorted'):
    if order=='shuffled': random.Random(1).shuffle(L)
    else: L.sort()
    for x in (f,f+'-wal',f+'-shm'):
        if os.path.exists(x): os.unlink(x)
    c=sqlite3.connect(f); c.execute('pragma journal_mode=wal'); c.execute('pragma synchronous=full')
    c.execute('create table d(n text primary key, reason text, src text, at int) without rowid')
    t=time.time(); c.executemany('insert or ignore into d values(?,?,?,?)',((n,'x','y',1) for n in L)); c.commit()
    print('| sqlite, %s | %.2f s | %d MiB |'%(order,time.time()-t,os.path.getsize(f)>>20)); c.close()
";

/// Prints the peers' rows; a tool that isn't there is named.
pub fn table(names: &[String], dir: &Path) {
    println!("\n| peer | measured | |\n|---|---|---|");
    let list = dir.join("names.txt");
    let text: String = names.iter().flat_map(|n| [n.as_str(), "\n"]).collect();
    if let Err(e) = std::fs::write(&list, &text) {
        return println!("| (the list can't be written: {e}) | | |");
    }
    for (tool, args) in [
        ("gzip", ["-9", "-c"]),
        ("zstd", ["-19", "-c"]),
        ("xz", ["-9e", "-c"]),
    ] {
        let packed = pipe(tool, &args, text.as_bytes());
        match packed {
            Some(bytes) => println!(
                "| plain list, {tool} {} | {:.2} bytes a name | |",
                args[0],
                bytes as f64 / names.len() as f64
            ),
            None => println!("| plain list, {tool} | isn't installed | |"),
        }
    }
    let script = ["-c", SQLITE];
    let db = dir.join("peer.db");
    match Command::new("python3")
        .args(script)
        .arg(&list)
        .arg(&db)
        .output()
    {
        Ok(out) if out.status.success() => print!("{}", String::from_utf8_lossy(&out.stdout)),
        _ => println!("| sqlite | python3 isn't installed | |"),
    }
    match redis(names, dir) {
        Some((seconds, mib)) => println!(
            "| Redis SADD, pipelined, not durable | {seconds:.2} s | {mib} MiB of memory |"
        ),
        None => println!("| Redis SADD | redis-server isn't installed | |"),
    }
}

/// Seconds for all names by `SADD` through one pipelined connection (1,000 commands a write, as
/// `redis-cli --pipe` does), and the server's memory afterwards, MiB.
fn redis(names: &[String], dir: &Path) -> Option<(f64, u64)> {
    let socket = dir.join("redis.sock");
    let server = Server(
        Command::new(tools::tool("redis-server")?)
            .args(["--port", "0", "--save", "", "--appendonly", "no"])
            .args(["--daemonize", "no", "--unixsocket"])
            .arg(&socket)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok()?,
    );
    let mut stream = (0..100).find_map(|_| {
        std::thread::sleep(std::time::Duration::from_millis(50));
        UnixStream::connect(&socket).ok()
    })?;
    let mut answers = stream.try_clone().ok()?;
    let count = names.len();
    let began = Instant::now();
    // Each answer is `:1\r\n`, or `:0\r\n` for a name that was there.
    let reading = std::thread::spawn(move || {
        let (mut left, mut bytes) = (count * 4, vec![0; 1 << 16]);
        while left > 0 {
            left = left.saturating_sub(answers.read(&mut bytes).unwrap_or(left).max(1));
        }
    });
    for chunk in names.chunks(1000) {
        let commands: String = chunk
            .iter()
            .map(|n| format!("*3\r\n$4\r\nSADD\r\n$1\r\nd\r\n${}\r\n{n}\r\n", n.len()))
            .collect();
        stream.write_all(commands.as_bytes()).ok()?;
    }
    reading.join().ok()?;
    let seconds = began.elapsed().as_secs_f64();
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.0.id())).ok()?;
    let rss = status.lines().find_map(|l| l.strip_prefix("VmRSS:"))?;
    let kib: u64 = rss.split_whitespace().next()?.parse().ok()?;
    Some((seconds, kib / 1024))
}

/// Ends with its value.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn pipe(tool: &str, args: &[&str], input: &[u8]) -> Option<usize> {
    let mut child = Command::new(tool)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut stdin = child.stdin.take()?;
    let input = input.to_vec();
    let feeding = std::thread::spawn(move || stdin.write_all(&input));
    let out = child.wait_with_output().ok()?;
    drop(feeding.join());
    out.status.success().then_some(out.stdout.len())
}
