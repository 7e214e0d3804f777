//! What a snapshot of the page shows, and what it does not.

use wormhole_bridge::tab::{Snapshot, TabError};

use crate::browser_start::{Other, Started, lost, start, until};

#[tokio::test]
async fn browser_snapshot_names_what_is_in_the_page_and_shows_nothing_that_was_typed() {
    let Started { site, profile: _profile, browser, tab, .. } = start().await;
    let other = Other::connect(&browser).await;
    let page = other.page().await;
    let empty = tab.snapshot().await.unwrap();
    assert!(empty.picture.starts_with(&[0xff, 0xd8]), "a JPEG");
    assert!(empty.outline.starts_with(&format!("{}\n\nhtml\n", site.origin)), "{}", empty.outline);
    for line in ["form#form", "input#field[name=field]", "textarea#area", "button#button", "p.many", "iframe"]
    {
        assert!(empty.outline.lines().any(|found| found.trim_start() == line), "{line} in {}", empty.outline);
    }
    assert!(!empty.outline.contains("Send"), "its label is of no form: {}", empty.outline);

    tab.fill("#field", &"a secret".into()).await.unwrap();
    tab.fill("#area", &"another secret".into()).await.unwrap();
    // Where the hand was, and what the page made of it, may be seen.
    page.evaluate("document.activeElement.blur(); document.querySelector('#log').replaceChildren()")
        .await
        .unwrap();
    let typed = tab.snapshot().await.unwrap();
    assert!(!typed.outline.contains("secret"), "{}", typed.outline);
    assert!(typed.picture == empty.picture, "what was typed is in the picture: {}", kept(&empty, &typed));
    let left = page.evaluate("document.adoptedStyleSheets.length").await.unwrap();
    assert_eq!(left.into_value::<u32>().unwrap(), 0, "the page is as before");

    page.evaluate("const made = document.createElement('button'); made.textContent = 'Send  it to everybody whom I know'; document.querySelector('#form').append(made)")
        .await
        .unwrap();
    let labelled = tab.snapshot().await.unwrap();
    assert!(labelled.outline.contains("button \"Send it to everybody who…\""), "{}", labelled.outline);
    assert!(labelled.picture != typed.picture, "the picture shows what is there");

    // A page of another origin is not touched.
    tab.goto(&site.at(&format!("/away/{}", "about:blank"))).await.unwrap_err();
    until(&tab, lost(&TabError::NotAllowed)).await;
    assert_eq!(tab.snapshot().await, Err(TabError::NotAllowed));
    browser.close().await;
}

/// Where the two pictures are, for whoever wants to see the difference.
fn kept(empty: &Snapshot, typed: &Snapshot) -> String {
    let folder = tempfile::tempdir().unwrap().keep();
    std::fs::write(folder.join("empty.jpg"), &empty.picture).unwrap();
    std::fs::write(folder.join("typed.jpg"), &typed.picture).unwrap();
    folder.display().to_string()
}
