//! A QR code as a drawing within the page: no picture to load, no script, sharp on any projector.

use maud::{Markup, html};
use qrcode::{Color, EcLevel, QrCode};

/// Light modules around the code, which readers need to find it.
const QUIET: usize = 4;

/// The text as a QR code with its name for those who do not see it; nothing when the text is too long for one, which then
/// stands beside it all the same.
pub fn draw(text: &str, name: &str) -> Markup {
    let Ok(code) = QrCode::with_error_correction_level(text, EcLevel::M) else { return html! {} };
    let side = code.width() + 2 * QUIET;
    html! {
        svg.qr role="img" aria-label=(name) viewBox={ "0 0 " (side) " " (side) } shape-rendering="crispEdges" {
            rect width=(side) height=(side) fill="#fff" {}
            path d=(path(&code)) {}
        }
    }
}

/// The dark modules, each run of a row as one rectangle.
fn path(code: &QrCode) -> String {
    let mut path = String::new();
    for (y, row) in code.to_colors().chunks(code.width()).enumerate() {
        let mut x = 0;
        for run in row.chunk_by(|one, next| one == next) {
            if run.first() == Some(&Color::Dark) {
                let length = run.len();
                path.push_str(&format!("M{} {}h{length}v1h-{length}z", x + QUIET, y + QUIET));
            }
            x += run.len();
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a camera makes of the drawing, read by another's program.
    fn read(path: &str, side: usize) -> String {
        let mut dark = vec![false; side * side];
        for run in path.split('M').skip(1) {
            let (x, rest) = run.split_once(' ').unwrap();
            let (y, rest) = rest.split_once('h').unwrap();
            let (length, _) = rest.split_once('v').unwrap();
            let [x, y, length] = [x, y, length].map(|number| number.parse::<usize>().unwrap());
            dark[y * side + x..][..length].fill(true);
        }
        let scale = 4;
        let pixel = |x: usize, y: usize| if dark[y / scale * side + x / scale] { 0 } else { 255 };
        let mut picture = rqrr::PreparedImage::prepare_from_greyscale(side * scale, side * scale, pixel);
        let grids = picture.detect_grids();
        assert_eq!(grids.len(), 1);
        grids[0].decode().unwrap().1
    }

    #[test]
    fn the_drawing_is_read_as_the_text_it_was_made_from() {
        let address =
            format!("https://jianguan.kaifeng.example/v1/public/draws/2026-0001/statement#sha256:{}", "0f".repeat(32));
        for text in ["x", &address] {
            let code = QrCode::with_error_correction_level(text, EcLevel::M).unwrap();
            assert_eq!(read(&path(&code), code.width() + 2 * QUIET), text);
        }
        assert!(draw(&address, "name").into_string().len() < 12_000, "light enough for the page");
    }

    #[test]
    fn what_does_not_fit_is_left_out() {
        assert_eq!(draw(&"x".repeat(3_000), "name").into_string(), "");
    }
}
