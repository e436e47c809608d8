//! Charts: inline SVG without script or style of its own, beside the numbers as text.

use super::super::{clock, texts::Lang};
use askama::{Template, filters::HtmlSafe};

/// One bar.
pub(in crate::serve) struct Bar {
    pub(in crate::serve) label: String,
    pub(in crate::serve) value: u64,
    /// The value in words, where the number alone doesn't say it.
    pub(in crate::serve) said: Option<String>,
    /// Where the label leads.
    pub(in crate::serve) href: Option<String>,
}

/// A table whose rows are bars: the text beside the chart is the chart.
#[derive(Template)]
#[template(path = "parts/bars.html")]
pub(in crate::serve) struct Bars {
    lang: Lang,
    title: String,
    /// What is counted.
    unit: String,
    bars: Vec<Bar>,
    most: u64,
}

/// Upright bars along time, with the numbers in a table below that opens.
#[derive(Template)]
#[template(path = "parts/columns.html")]
pub(in crate::serve) struct Columns {
    lang: Lang,
    title: String,
    unit: String,
    bars: Vec<Bar>,
    most: u64,
}

impl HtmlSafe for Bars {}
impl HtmlSafe for Columns {}

/// Width and height of a column chart's drawing, and what is left below for the labels.
const WIDTH: u64 = 720;
const HEIGHT: u64 = 200;
const FOOT: u64 = 36;

impl Bars {
    pub(in crate::serve) fn new(
        lang: Lang,
        title: impl Into<String>,
        unit: impl Into<String>,
        bars: Vec<Bar>,
    ) -> Self {
        let most = most(&bars);
        let (title, unit) = (title.into(), unit.into());
        Self {
            lang,
            title,
            unit,
            bars,
            most,
        }
    }

    fn n(&self, value: &u64) -> String {
        clock::number(self.lang, *value)
    }

    fn said(&self, bar: &Bar) -> String {
        bar.said.clone().unwrap_or_else(|| self.n(&bar.value))
    }

    /// Thousandths of the longest bar; one that isn't nothing is seen.
    fn width(&self, value: &u64) -> u64 {
        share(*value, self.most, 1000)
    }
}

impl Columns {
    pub(in crate::serve) fn new(
        lang: Lang,
        title: impl Into<String>,
        unit: impl Into<String>,
        bars: Vec<Bar>,
    ) -> Self {
        let most = most(&bars);
        let (title, unit) = (title.into(), unit.into());
        Self {
            lang,
            title,
            unit,
            bars,
            most,
        }
    }

    fn n(&self, value: &u64) -> String {
        clock::number(self.lang, *value)
    }

    fn size(&self) -> (u64, u64) {
        (WIDTH, HEIGHT + FOOT)
    }

    /// Left edge, top, width and height of a bar, and whether its label is written.
    fn place(&self, at: &usize, value: &u64) -> (u64, u64, u64, u64, bool) {
        let count = self.bars.len().max(1) as u64;
        let slot = WIDTH / count;
        let width = (slot * 7 / 10).clamp(1, 60);
        let left = slot * (*at as u64) + (slot - width.min(slot)) / 2;
        let height = share(*value, self.most, HEIGHT - 34);
        // Six labels find room, on a phone too.
        let step = self.bars.len().div_ceil(6).max(1);
        (
            left,
            HEIGHT - height,
            width,
            height,
            at.is_multiple_of(step),
        )
    }
}

fn most(bars: &[Bar]) -> u64 {
    bars.iter().map(|bar| bar.value).max().unwrap_or(0)
}

/// The part of `full` that `value` is of `most`; 1 at least where it isn't nothing.
fn share(value: u64, most: u64, full: u64) -> u64 {
    if value == 0 || most == 0 {
        return 0;
    }
    let wide = u128::from(value) * u128::from(full) / u128::from(most);
    u64::try_from(wide).unwrap_or(full).clamp(1, full)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_drawn_to_scale_and_told_in_words() {
        let bar = |label: &str, value| Bar {
            label: label.into(),
            value,
            said: None,
            href: None,
        };
        let bars = vec![bar("<a>", 2_000), bar("b", 1), bar("c", 0)];
        let shown = Bars::new(Lang::En, "T", "entries", bars).to_string();
        for part in [
            "2,000",
            "width=\"1000\"",
            "width=\"1\"",
            "width=\"0\"",
            "entries",
        ] {
            assert!(shown.contains(part), "{part}: {shown}");
        }
        assert!(!shown.contains("<a>"), "{shown}");
        let months = (1..=24).map(|n| bar(&format!("m{n}"), n)).collect();
        let shown = Columns::new(Lang::Vi, "T", "u", months).to_string();
        assert_eq!(shown.matches("<rect").count(), 24);
        assert_eq!(share(u64::MAX, u64::MAX, 1000), 1000);
    }
}
