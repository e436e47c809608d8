//! The peers of these rows, measured in the same run: SQLite taking a million rows (through
//! python3, whose standard library has it) and the packers on the plain list.

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
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
