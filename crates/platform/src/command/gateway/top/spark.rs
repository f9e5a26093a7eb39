//! Lines of bars: one character for some seconds.

use gateway::control::view::FamilyView;
use gateway::counters::{Point, SidePoint};
use gateway::forced::Side;

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// What a line shows of a second; nothing where nothing is known.
pub(super) type Read = fn(&SidePoint, &Point) -> Option<f64>;

pub(super) fn side(point: &Point, side: Side) -> &SidePoint {
    match side {
        Side::Legacy => &point.legacy,
        Side::Platform => &point.platform,
    }
}

/// Both sides on one scale, `width` characters each, the newest at the right. Each character is the highest of its seconds.
pub(super) fn both(family: &FamilyView, read: Read, width: usize) -> [String; 2] {
    let each = super::SHOWN.div_ceil(width.max(1));
    let columns = Side::BOTH.map(|one| {
        let values: Vec<Option<f64>> = family.points.iter().map(|point| read(side(point, one), point)).collect();
        let mut columns: Vec<Option<f64>> =
            values.rchunks(each).map(|chunk| chunk.iter().flatten().copied().reduce(f64::max)).collect();
        columns.truncate(width);
        columns.resize(width, None);
        columns.reverse();
        columns
    });
    let top = columns.iter().flatten().flatten().copied().fold(0.0, f64::max);
    columns.map(|columns| columns.into_iter().map(|value| bar(value, top)).collect())
}

fn bar(value: Option<f64>, top: f64) -> char {
    let Some(value) = value else { return ' ' };
    // Something is never drawn as nothing, so that a single error is seen.
    let share = if top > 0.0 { value / top } else { 0.0 };
    let step = (1..8_u8).rev().find(|step| share * 8.0 > f64::from(*step)).unwrap_or(u8::from(share > 0.0));
    BARS[usize::from(step)]
}

#[cfg(test)]
mod tests {
    use super::bar;

    #[test]
    fn bars_show_something_for_something_and_nothing_for_no_data() {
        let drawn: String =
            [None, Some(0.0), Some(0.1), Some(50.0), Some(100.0)].into_iter().map(|value| bar(value, 100.0)).collect();
        assert_eq!(drawn, " ▁▂▄█");
        assert_eq!(bar(Some(0.0), 0.0), '▁');
    }
}
