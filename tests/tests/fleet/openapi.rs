//! What `/openapi.json` says against a running fleet (art. 22): each operation does its work for
//! whoever may, and whatever else is asked is answered as the document says, never with a 5xx.

use tests::{
    city::{City, Layout},
    output, proving, root,
};

/// Random requests of each kind an operation gets.
const SIZE: u32 = 6;
/// The same in `make prove`.
const SIZE_PROVING: u32 = 100;

#[tokio::test]
async fn every_operation_of_the_document_succeeds_and_nothing_is_answered_that_it_does_not_say() {
    let mut city = City::start(Layout::One).await;
    // What is asked here is one address and few sessions; limits of rate have their own tests.
    city.stop().await;
    city.serve(&["RATE_CLIENT", "RATE_ADDRESS"].map(|name| (name.to_owned(), "0".to_owned()))).await;
    let folder = output("openapi");
    let seed = std::env::var("QINGTIAN_SEED").unwrap_or_else(|_| "1".to_owned());
    let size = if proving() { SIZE_PROVING } else { SIZE };
    let python = root().join("var/tools/venv/bin/python");
    let answer = tokio::process::Command::new(&python)
        .arg(root().join("tests/openapi"))
        .arg(&city.url)
        .arg(city.folder.path().join("accounts.json"))
        .args(["--seed", &seed, "--size", &size.to_string()])
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .current_dir(&folder)
        .kill_on_drop(true)
        .output()
        .await
        .unwrap_or_else(|e| panic!("{}: {e}; scripts/install.sh --tests makes it", python.display()));
    let said = format!("{}{}", String::from_utf8_lossy(&answer.stdout), String::from_utf8_lossy(&answer.stderr));
    std::fs::write(folder.join("said.txt"), &said).unwrap();
    std::fs::copy(city.log("all"), folder.join("city.log")).unwrap();
    println!("{said}");
    assert!(answer.status.success(), "QINGTIAN_SEED={seed}: {}", folder.join("said.txt").display());
    let log = std::fs::read_to_string(city.log("all")).unwrap();
    assert!(!log.contains("panicked"), "a part panicked: {}", folder.join("city.log").display());
    city.stop().await;
}
