//! The walking line in headless Chromium, as a newcomer lives it: `tests/browser`, over a city of its own.

use std::process::Stdio;

use tests::{
    city::{City, Layout},
    output, process, root,
};

use crate::{
    story,
    telling::{dispatched, entry, found_department, number, window},
};

/// A draw over the real register, or over a generated one where there is none; answers its number. The browser's visitor
/// rechecks it.
async fn draw_over_a_whole_register(city: &City) -> String {
    let department = found_department(city, "zhejiang", "410202").await;
    let supervision = city.as_person("supervision").await;
    let (register, [expected_in, ..]) = story::register();
    let columns = ["key=code", "title=name"];
    let (_, upload_secs) = department.upload_register("名录.csv", register, &columns, "410202").await;
    department.publish_items("抽查事项清单.csv", story::items().0).await;
    let plan = department.publish_plan(department.draft("名录抽查", &department.items().await[..1], 50_000)).await;
    let open_secs = window(upload_secs);
    let created = department.handler.post("/v1/draws", department.draw_of(&plan, open_secs, open_secs + 1)).await.ok();
    let stated = department.state(&created).await;
    assert_eq!(number(&stated["subjects"]), expected_in);
    let name = stated["name"].as_str().unwrap();
    for (contributor, dice) in [(&department.handler, "4 2 6 1 3 5"), (&supervision, "6 6 1 2 5 3")] {
        contributor.post(&format!("/v1/{name}:addEntry"), entry(&stated, dice)).await.ok();
    }
    dispatched(&department.handler, name, open_secs).await;
    println!("the browser rechecks {name} over {expected_in} subjects");
    name.trim_start_matches("draws/").to_owned()
}

#[tokio::test]
async fn browser_story_in_chromium() {
    let folder = root().join("tests/browser");
    let playwright = folder.join("node_modules/@playwright/test/cli.js");
    assert!(
        playwright.exists(),
        "{} is missing: `make test` installs it, or `npm ci` in tests/browser",
        playwright.display()
    );
    let mut city = City::start(Layout::One).await;
    let real_draw = draw_over_a_whole_register(&city).await;
    let results = output("browser");
    // What an earlier run left must not pass for this one's.
    std::fs::remove_dir_all(&results).unwrap();
    let told = tokio::process::Command::new("node")
        .arg(&playwright)
        .arg("test")
        .current_dir(&folder)
        .env("BASE_URL", &city.url)
        .env("ACCOUNTS", city.folder.path().join("accounts.json"))
        .env("REAL_DRAW", real_draw)
        .env("QINGTIAN_BIN", process::binary())
        .env("OUTPUT", &results)
        .env("FORCE_COLOR", "0")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    let text = String::from_utf8_lossy(&told.stdout);
    print!("{text}");
    // What went wrong inside says why a page was told so.
    let log = std::fs::read_to_string(city.log("all")).unwrap();
    let inside: Vec<&str> = log.lines().filter(|line| line.contains(r#""level":"ERROR""#)).collect();
    assert!(told.status.success(), "{text}{}{}", String::from_utf8_lossy(&told.stderr), inside.join("\n"));
    let screenshots = std::fs::read_dir(results.join("screenshots")).unwrap().count();
    println!("{screenshots} screenshots in {}", results.join("screenshots").display());
    assert!(screenshots > 50, "only {screenshots} screenshots");
    city.stop().await;
}
