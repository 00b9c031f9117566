//! The table as a picture: for each row its quartiles, its median and its goal, on a logarithmic axis.

use std::fmt::Write;

use secure_bench::rig::pairs::Quartiles;

use crate::rows::{Goal, Measured};

const LABELS: f64 = 430.0;
const AXIS: f64 = 520.0;
const ROW: f64 = 24.0;
const TOP: f64 = 48.0;
/// Both ends of the axis.
const RANGE: (f64, f64) = (0.1, 30.0);
const TICKS: [f64; 8] = [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0];

/// A picture of the rows that have a rate.
pub(crate) fn svg(measured: &[Measured]) -> String {
    let rows = measured.iter().filter_map(|row| {
        let rates = Quartiles::of(&row.pairs.rates)?;
        Some((row, rates))
    });
    let rows = rows.collect::<Vec<_>>();
    let (width, height) = (LABELS + AXIS + 30.0, TOP + ROW * rows.len() as f64 + 16.0);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text x=\"{LABELS}\" y=\"16\">requests a second, as a share: median, quartiles, goal</text>\n"
    );
    // A write to a `String` does not fail.
    for tick in TICKS {
        let (x, bottom) = (place(tick), height - 12.0);
        let width = if tick == 1.0 { 1.5 } else { 0.5 };
        let _ = writeln!(
            svg,
            "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{TOP}\" y2=\"{bottom}\" stroke=\"#999\" \
             stroke-width=\"{width}\"/><text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{tick}</text>",
            TOP - 8.0
        );
    }
    for (number, (row, rates)) in rows.iter().enumerate() {
        let y = TOP + ROW * (number as f64 + 0.5);
        let [low, median, high] = [rates.low, rates.median, rates.high].map(place);
        let name = escaped(&row.name);
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{name}</text>\
             <line x1=\"{low:.1}\" x2=\"{high:.1}\" y1=\"{y}\" y2=\"{y}\" stroke=\"#36c\" \
             stroke-width=\"3\"/><circle cx=\"{median:.1}\" cy=\"{y}\" r=\"4\" fill=\"#36c\"/>",
            LABELS - 12.0,
            y + 4.0
        );
        if let Goal::Rate(goal) | Goal::RateAndComputed(goal, _) = row.goal {
            let (x, top, bottom) = (place(goal), y - 8.0, y + 8.0);
            let _ = writeln!(
                svg,
                "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{top}\" y2=\"{bottom}\" stroke=\"#c30\" \
                 stroke-width=\"2\"/>"
            );
        }
    }
    svg + "</svg>\n"
}

fn place(ratio: f64) -> f64 {
    let (low, high) = RANGE;
    let share = (ratio / low).ln() / (high / low).ln();
    LABELS + AXIS * share.clamp(0.0, 1.0)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;")
}
