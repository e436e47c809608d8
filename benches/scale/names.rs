//! Made names that look like real ones: words, syllables and random labels under the endings of
//! real lists, some under shared hosts, some with subdomains. Seeded, so that a run can be repeated.

use std::collections::BTreeSet;

const SYLLABLES: [&str; 24] = [
    "ban", "hang", "gia", "re", "shop", "ka", "to", "mi", "viet", "nam", "sale", "lo", "pu", "za",
    "deal", "my", "pham", "dep", "xinh", "sieu", "thi", "mua", "nhanh", "top",
];
const ENDINGS: [&str; 16] = [
    "com", "com", "com", "vn", "com.vn", "net", "shop", "xyz", "top", "store", "online", "site",
    "club", "vip", "info", "org",
];
const HOSTS: [&str; 6] = [
    "weebly.com",
    "pages.dev",
    "web.app",
    "vercel.app",
    "github.io",
    "myshopify.com",
];
const BELOW: [&str; 8] = ["www", "m", "login", "shop", "app", "vn", "api", "pay"];

/// `count` distinct names, sorted.
pub fn realistic(count: usize, seed: u64) -> Vec<String> {
    let mut random = Random(seed | 1);
    let mut names = BTreeSet::new();
    while names.len() < count {
        let name = match random.below(100) {
            0..62 => format!("{}.{}", label(&mut random), random.pick(&ENDINGS)),
            62..74 => format!("{}.{}", label(&mut random), random.pick(&HOSTS)),
            74..90 => format!(
                "{}.{}.{}",
                random.pick(&BELOW),
                label(&mut random),
                random.pick(&ENDINGS)
            ),
            _ => format!(
                "{}.{}.{}",
                label(&mut random),
                label(&mut random),
                random.pick(&ENDINGS)
            ),
        };
        names.insert(name);
    }
    names.into_iter().collect()
}

/// Mean length, characters.
// Of one of the two benches that draw names.
#[allow(dead_code)]
pub fn mean_length(names: &[String]) -> f64 {
    names.iter().map(String::len).sum::<usize>() as f64 / names.len().max(1) as f64
}

fn label(random: &mut Random) -> String {
    if random.below(5) == 0 {
        let length = 7 + random.below(9);
        return (0..length)
            .map(|_| char::from(b"abcdefghijklmnopqrstuvwxyz0123456789"[random.below(36)]))
            .collect();
    }
    let mut label: String = (0..2 + random.below(2))
        .map(|_| random.pick(&SYLLABLES))
        .collect();
    if random.below(3) == 0 {
        label.push_str(&random.below(10_000).to_string());
    }
    label
}

struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n as u64) as usize
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }
}
