//! The register as a file: its versions out of the archive, its letters out of Windows-1251, its
//! rows; and a made one of the same shape for where `../shared` isn't there.

use crate::{office::Fallible, peers};
use std::{fs::File, io::Read as _};

/// Under the shared data, without its endings.
pub const REGISTER: &str = "data/national/rkn-register_2012-11_2013-12";

/// One version of the file.
pub struct Version {
    /// As in the archive: `0007_2012-11-20_31c26e4a.csv`.
    pub name: String,
    pub text: String,
}

/// A row: `address[ | address];domain;URL[ | URL];agency;number;date`.
pub struct Row<'a> {
    pub addresses: Vec<&'a str>,
    pub domain: &'a str,
    pub urls: Vec<&'a str>,
    pub agency: &'a str,
    pub number: &'a str,
    pub date: &'a str,
}

impl Version {
    /// All after the first line, which says when it was made.
    pub fn rows(&self) -> Fallible<Vec<Row<'_>>> {
        let lines = self.text.lines().skip(1).filter(|line| !line.is_empty());
        let rows = lines.map(|line| {
            let row = Row::read(line);
            row.ok_or_else(|| format!("{}: no row: {line}", self.name).into())
        });
        rows.collect()
    }

    /// `YYYY-MM-DD`, by its name.
    pub fn date(&self) -> &str {
        self.name.split('_').nth(1).unwrap_or_default()
    }
}

impl<'a> Row<'a> {
    fn read(line: &'a str) -> Option<Row<'a>> {
        let fields: Vec<&str> = line.split(';').collect();
        let [addresses, domain, urls, agency, number, date] = fields[..] else {
            return None;
        };
        Some(Row {
            addresses: addresses.split(" | ").collect(),
            domain,
            urls: urls.split(" | ").collect(),
            agency,
            number,
            date,
        })
    }

    /// The host of the first URL that is a whole site of this row's domain: nothing after the host,
    /// which is the domain or its `www`.
    pub fn site(&self) -> Option<String> {
        let domain = self.domain.to_lowercase();
        let hosts = self.urls.iter().filter_map(|url| {
            let url = url.trim();
            let host = url.split_once("://").map_or(url, |(_, rest)| rest);
            let host = host.strip_suffix('/').unwrap_or(host);
            (!host.contains(['/', '?', '#', ':'])).then(|| host.to_lowercase())
        });
        let mut own =
            hosts.filter(|host| *host == domain || host.strip_prefix("www.") == Some(&domain));
        own.next()
    }
}

/// Every version, in order.
pub fn versions() -> Fallible<Vec<Version>> {
    let Some(shared) = peers::shared() else {
        println!("../shared isn't there: a made register instead");
        return made().into_iter().map(version).collect();
    };
    let archive = File::open(shared.join(format!("{REGISTER}.versions.tar.zst")))?;
    let mut bytes = Vec::new();
    zstd::Decoder::new(archive)?.read_to_end(&mut bytes)?;
    let mut files = files(&bytes)?;
    files.sort();
    files.into_iter().map(version).collect()
}

fn version((name, bytes): (String, Vec<u8>)) -> Fallible<Version> {
    let text = decoded(&bytes).map_err(|e| format!("{name}: {e}"))?;
    Ok(Version { name, text })
}

/// The plain files of a tar archive: blocks of 512 bytes, a head (name, size in octal at 124, type
/// at 156), then the content.
fn files(mut tar: &[u8]) -> Fallible<Vec<(String, Vec<u8>)>> {
    let mut files = Vec::new();
    while let Some((head, rest)) = tar.split_at_checked(512) {
        let field = |from: usize, to: usize| -> Fallible<String> {
            let text = head[from..to].split(|b| *b == 0).next().unwrap_or_default();
            Ok(std::str::from_utf8(text)?.trim().to_owned())
        };
        let name = field(0, 100)?;
        if name.is_empty() {
            break;
        }
        let size = usize::from_str_radix(&field(124, 136)?, 8)?;
        let (content, _) = rest.split_at_checked(size).ok_or("the archive is cut")?;
        if matches!(head[156], 0 | b'0') {
            let name = name.rsplit('/').next().unwrap_or_default();
            files.push((name.to_owned(), content.to_vec()));
        }
        tar = rest.get(size.next_multiple_of(512)..).unwrap_or_default();
    }
    Ok(files)
}

/// Windows-1251 as text.
pub fn decoded(bytes: &[u8]) -> Result<String, String> {
    let letter = |(at, byte): (usize, &u8)| match byte {
        0x00..0x80 => Ok(char::from(*byte)),
        0x80..0xC0 => UPPER
            .chars()
            .nth(usize::from(byte - 0x80))
            .filter(|letter| *letter != NONE)
            .ok_or_else(|| format!("byte {at} is {byte:#x}, which stands for nothing")),
        _ => Ok(char::from_u32(0x410 + u32::from(byte - 0xC0)).unwrap_or(NONE)),
    };
    bytes.iter().enumerate().map(letter).collect()
}

/// 0x80 to 0xBF; А to я follow in Unicode's own order.
const UPPER: &str =
    "ЂЃ‚ѓ„…†‡€‰Љ‹ЊЌЋЏђ‘’“”•–—\u{FFFD}™љ›њќћџ\u{A0}ЎўЈ¤Ґ¦§Ё©Є«¬\u{AD}®Ї°±Ііґµ¶·ё№є»јЅѕї";
const NONE: char = '\u{FFFD}';

/// Twenty versions by two agencies: sites with addresses of their own and shared ones, pages, an
/// IDN, one decision of several rows, two of one domain, rows that go, come back and move.
fn made() -> Vec<(String, Vec<u8>)> {
    let version = |v: u32| {
        let mut text = format!("Updated: 2012-12-{:02} 00:00:00 +0000\n", v + 1);
        for n in (0..v * 4).filter(|n| n % 7 != v % 7) {
            // One address for each three sites from the twentieth on.
            let host = if n < 20 { n + 1 } else { 100 + n / 3 };
            let (agency, number) = match n % 5 {
                0 => ("Первый суд", format!("определение № 2и-{:04}/2012", n / 10)),
                _ => ("Ведомство", format!("2/1/{}", 16_400 + n)),
            };
            let (domain, url) = match n % 6 {
                4 => (
                    format!("made{n}.example"),
                    format!("http://made{n}.example/page.php?id={n}"),
                ),
                5 => (
                    format!("made{n}.example"),
                    format!("http://www.Made{n}.example/"),
                ),
                3 => (
                    format!("сайт{n}.example"),
                    format!("http://сайт{n}.example"),
                ),
                _ => (
                    format!("made{n}.example"),
                    format!("http://made{n}.example/ | http://made{n}.example/a"),
                ),
            };
            let moved = if n == 8 { v } else { 0 };
            text += &format!(
                "198.51.100.{host} | 203.0.113.{};{domain};{url};{agency};{number};2012-11-{:02}\n",
                200 + moved,
                n % 28 + 1
            );
        }
        (
            format!("{:04}_2012-12-{:02}_made.csv", v + 1, v + 1),
            encoded(&text),
        )
    };
    (0..20).map(version).collect()
}

/// Text that Windows-1251 has all letters of.
fn encoded(text: &str) -> Vec<u8> {
    let byte = |letter: char| {
        let all = 0..=255u8;
        all.into_iter()
            .find(|byte| decoded(&[*byte]).is_ok_and(|text| text.starts_with(letter)))
            .unwrap_or(b'?')
    };
    text.chars().map(byte).collect()
}
