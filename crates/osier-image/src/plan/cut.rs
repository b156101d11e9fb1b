//! The rectangles that `crop`, `indexcrop` and `circle` keep.

use crate::geometry::{Place, Rect, Size};
use crate::grammar::{Axis, Crop, IndexCrop};
use crate::{ErrorKind, ImageError};

/// What `crop` keeps of a picture of size `own`.
pub(super) fn crop(crop: &Crop, own: Size) -> Result<Rect, ImageError> {
    let (x, width) = along(own.width, crop.width, crop.x, crop.gravity.horizontal())?;
    let (y, height) = along(own.height, crop.height, crop.y, crop.gravity.vertical())?;
    Ok(Rect {
        x,
        y,
        size: Size::new(width, height),
    })
}

/// Origin and length on one axis. The anchor gives an origin, the offset is added to it whatever
/// the anchor (the formulas of OSS's page); what sticks out is cut off.
fn along(
    own: u32,
    wanted: Option<u32>,
    offset: u32,
    place: Place,
) -> Result<(u32, u32), ImageError> {
    let length = wanted.unwrap_or(own).min(own);
    let slack = own - length;
    let anchor = match place {
        Place::Start => 0,
        Place::Middle => slack / 2,
        Place::End => slack,
    };
    let origin = anchor.saturating_add(offset);
    if origin >= own {
        return Err(ImageError::plain(
            ErrorKind::BadRequest,
            "Advance cut's position is out of image.",
        ));
    }
    Ok((origin, length.min(own - origin)))
}

/// What `indexcrop` keeps; a slice that is not there is the whole picture.
pub(super) fn index_crop(crop: IndexCrop, own: Size) -> Rect {
    let side = match crop.axis {
        Axis::X => own.width,
        Axis::Y => own.height,
    };
    let start = u64::from(crop.length) * u64::from(crop.index);
    let Some(start) = u32::try_from(start).ok().filter(|start| *start < side) else {
        return own.rect();
    };
    let length = crop.length.min(side - start);
    match crop.axis {
        Axis::X => Rect {
            x: start,
            y: 0,
            size: Size::new(length, own.height),
        },
        Axis::Y => Rect {
            x: 0,
            y: start,
            size: Size::new(own.width, length),
        },
    }
}

/// The square around the middle that holds a circle.
///
/// Of a radius over half the shorter side OSS's page says that it becomes (side - 1) / 2 and the
/// square 2r + 1, which is that side, odd or even. Of smaller ones it says nothing; theirs is 2r.
pub(super) fn circle(radius: u32, own: Size) -> Rect {
    let side = radius.saturating_mul(2).min(own.width.min(own.height));
    Rect {
        x: (own.width - side) / 2,
        y: (own.height - side) / 2,
        size: Size::new(side, side),
    }
}
