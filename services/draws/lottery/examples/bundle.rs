//! Writes a random, valid bundle: `bundle SEED OUT [SUBJECTS [WITHHELD,...]]`, its keys to `OUT.jwks.json` and the
//! files withheld from the public to the folder `OUT.withheld`. Check it with `--demo`.

use std::{env, error::Error, fs, path::PathBuf};

use lottery::testing::{Draw, Shape, jwks};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    let (Some(seed), Some(out)) = (args.first(), args.get(1)) else {
        return Err("bundle SEED OUT [SUBJECTS [WITHHELD,...]]".into());
    };
    let mut shape = Shape::default();
    if let Some(subjects) = args.get(2) {
        shape.subjects = subjects.parse()?;
    }
    if let Some(withheld) = args.get(3) {
        shape.withheld = withheld.split(',').map(ToOwned::to_owned).collect();
        shape.withheld.sort();
    }
    let draw = Draw::random(seed.parse()?, &shape)?;
    fs::write(out, draw.bundle()?)?;
    fs::write(format!("{out}.jwks.json"), jwks())?;
    let withheld = draw.withheld();
    if !withheld.is_empty() {
        let folder = PathBuf::from(format!("{out}.withheld"));
        fs::create_dir_all(&folder)?;
        for (name, bytes) in withheld {
            fs::write(folder.join(name), bytes)?;
        }
    }
    println!(
        "{} {}: {} subjects drawn, {} with a team",
        draw.intent.draw_id,
        draw.stated.digest,
        draw.reveal.rows.len(),
        draw.reveal.rows.iter().filter(|row| !row.officers.is_empty()).count()
    );
    Ok(())
}
