//! The walking line in headless Chromium, as a newcomer lives it: `tests/browser`, over a city of its own.

use std::process::Stdio;

use tests::{
    city::{City, Layout},
    output, process, root,
};

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
    let results = output("browser");
    // What an earlier run left must not pass for this one's.
    std::fs::remove_dir_all(&results).unwrap();
    let told = tokio::process::Command::new("node")
        .arg(&playwright)
        .arg("test")
        .current_dir(&folder)
        .env("BASE_URL", &city.url)
        .env("ACCOUNTS", city.folder.path().join("accounts.json"))
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
    assert!(told.status.success(), "{text}{}", String::from_utf8_lossy(&told.stderr));
    let screenshots = std::fs::read_dir(results.join("screenshots")).unwrap().count();
    println!("{screenshots} screenshots in {}", results.join("screenshots").display());
    assert!(screenshots > 50, "only {screenshots} screenshots");
    city.stop().await;
}
