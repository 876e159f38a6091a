// The page of a witness's one-time link: takes the code out of the address, where it would stay in the browser's history, and
// asks before an opened link's page is left without an entry.
const code = document.querySelector<HTMLInputElement>("#code");
if (code) {
  const take = (): void => {
    if (location.hash.length < 2) return;
    const given = location.hash.slice(1);
    code.value = given;
    history.replaceState(null, "", location.pathname + location.search);
    // The switches of language and type lead back to this page, with the code.
    for (const link of document.querySelectorAll<HTMLAnchorElement>('.switches a[href^="/witness"]')) link.hash = given;
  };
  take();
  // A link put into the address bar of this very page loads nothing anew.
  addEventListener("hashchange", take);
}

const entry = document.querySelector<HTMLFormElement>("#witness-entry");
if (entry) {
  let sent = false;
  entry.addEventListener("submit", () => {
    sent = true;
  });
  addEventListener("beforeunload", (event) => {
    if (!sent) event.preventDefault();
  });
}
