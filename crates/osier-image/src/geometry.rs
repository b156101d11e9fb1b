//! Sizes, rectangles and the nine anchor points, in whole pixels.

/// Width and height; both at least 1 wherever a picture has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
pub struct Size {
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

impl Size {
    /// A size.
    pub const fn new(width: u32, height: u32) -> Self {
        Self { width, height }
    }

    /// Pixels.
    pub fn pixels(self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    /// The same with width and height exchanged.
    #[must_use]
    pub fn swapped(self) -> Self {
        Self::new(self.height, self.width)
    }

    /// The whole of it as a rectangle.
    pub fn rect(self) -> Rect {
        Rect {
            x: 0,
            y: 0,
            size: self,
        }
    }
}

/// A rectangle inside a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
pub struct Rect {
    /// First column.
    pub x: u32,
    /// First row.
    pub y: u32,
    /// How much.
    pub size: Size,
}

/// One of the nine anchor points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the points of the compass")]
pub enum Gravity {
    NorthWest,
    North,
    NorthEast,
    West,
    Center,
    East,
    SouthWest,
    South,
    SouthEast,
}

/// The three places on one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Start,
    Middle,
    End,
}

impl Gravity {
    /// The word for it on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::NorthWest => "nw",
            Self::North => "north",
            Self::NorthEast => "ne",
            Self::West => "west",
            Self::Center => "center",
            Self::East => "east",
            Self::SouthWest => "sw",
            Self::South => "south",
            Self::SouthEast => "se",
        }
    }

    /// The anchor of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "nw" => Self::NorthWest,
            "north" => Self::North,
            "ne" => Self::NorthEast,
            "west" => Self::West,
            "center" => Self::Center,
            "east" => Self::East,
            "sw" => Self::SouthWest,
            "south" => Self::South,
            "se" => Self::SouthEast,
            _ => return None,
        })
    }

    pub(crate) fn horizontal(self) -> Place {
        match self {
            Self::NorthWest | Self::West | Self::SouthWest => Place::Start,
            Self::North | Self::Center | Self::South => Place::Middle,
            Self::NorthEast | Self::East | Self::SouthEast => Place::End,
        }
    }

    pub(crate) fn vertical(self) -> Place {
        match self {
            Self::NorthWest | Self::North | Self::NorthEast => Place::Start,
            Self::West | Self::Center | Self::East => Place::Middle,
            Self::SouthWest | Self::South | Self::SouthEast => Place::End,
        }
    }
}

/// Where a watermark's upper left corner goes; it may lie partly or wholly outside.
///
/// `x` counts from the anchor's side and is ignored on the middle axis; `y`
/// likewise, where `voffset` takes its place.
pub fn place(
    picture: Size,
    mark: Size,
    gravity: Gravity,
    x: u32,
    y: u32,
    voffset: i32,
) -> (i64, i64) {
    let along = |place, length: u32, own: u32, offset: u32, middle: i64| match place {
        Place::Start => i64::from(offset),
        Place::Middle => (i64::from(length) - i64::from(own)).div_euclid(2) + middle,
        Place::End => i64::from(length) - i64::from(own) - i64::from(offset),
    };
    (
        along(gravity.horizontal(), picture.width, mark.width, x, 0),
        along(
            gravity.vertical(),
            picture.height,
            mark.height,
            y,
            voffset_down(voffset),
        ),
    )
}

/// Rows by which `voffset` moves a mark down.
///
/// The documentation only says that it moves the mark up or down from the middle line, not which
/// sign does what; positive is taken as down.
fn voffset_down(voffset: i32) -> i64 {
    i64::from(voffset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_go_to_their_corners() {
        let (picture, mark) = (Size::new(100, 80), Size::new(20, 10));
        let at = |gravity| place(picture, mark, gravity, 3, 4, 5);
        assert_eq!(at(Gravity::NorthWest), (3, 4));
        assert_eq!(at(Gravity::North), (40, 4));
        assert_eq!(at(Gravity::NorthEast), (77, 4));
        assert_eq!(at(Gravity::West), (3, 40));
        assert_eq!(at(Gravity::Center), (40, 40));
        assert_eq!(at(Gravity::East), (77, 40));
        assert_eq!(at(Gravity::SouthWest), (3, 66));
        assert_eq!(at(Gravity::South), (40, 66));
        assert_eq!(at(Gravity::SouthEast), (77, 66));
    }

    #[test]
    fn marks_larger_than_the_picture_stick_out_evenly() {
        let (picture, mark) = (Size::new(10, 10), Size::new(21, 21));
        assert_eq!(place(picture, mark, Gravity::Center, 0, 0, 0), (-6, -6));
    }
}
