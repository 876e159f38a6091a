// The page's part: fills <section id="recheck"> and shows what the worker says. Everything is written as text.
import type { Language, Message } from "./message.ts";
import { type Check, type CheckId, type Report } from "./report.ts";
import { PROVES, STATES, TITLES, VERDICTS, WORDS } from "./texts.ts";
import type { Said, Start } from "./worker.ts";

// Read now: it is null once this script has run. The worker lies beside this script unless the page says where.
const HERE = (document.currentScript as HTMLScriptElement | null)?.src ?? document.querySelector<HTMLScriptElement>('script[src*="recheck"]')?.src;

// Checks that have more to tell than that they passed.
const TELLING: ReadonlySet<CheckId> = new Set(["statement", "subjects", "entries", "seed", "time"]);

type State = "true" | "false" | "null";

function make<K extends keyof HTMLElementTagNameMap>(tag: K, of: string, text = ""): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  element.className = of;
  element.textContent = text;
  return element;
}

/** One check of the list: several findings (one a file) under one name. */
class Item {
  readonly element: HTMLLIElement;
  private state: State = "true";
  private readonly mark = make("span", "recheck-mark");
  private readonly word = make("span", "recheck-state");
  private readonly why = make("p", "recheck-why");
  private readonly details = make("ul", "recheck-details");
  private readonly said = new Set<string>();

  constructor(
    private readonly id: CheckId,
    private readonly language: Language,
  ) {
    this.element = make("li", "recheck-item");
    this.element.dataset.check = id;
    this.mark.setAttribute("aria-hidden", "true");
    const head = make("p", "recheck-head");
    head.append(this.mark, make("strong", "recheck-title", TITLES[id][language]), " ", this.word);
    this.element.append(head, this.why, this.details);
  }

  add(check: Check): void {
    const state: State = check.ok === null ? "null" : check.ok ? "true" : "false";
    if (state === "false" || (state === "null" && this.state === "true")) this.state = state;
    this.element.dataset.ok = this.state;
    this.element.className = `recheck-item ${{ true: "recheck-ok", false: "recheck-wrong", null: "recheck-open" }[this.state]}`;
    this.mark.textContent = { true: "✓", false: "✗", null: "?" }[this.state];
    this.word.textContent = STATES[this.state][this.language];
    this.why.textContent = `${this.state === "true" ? "" : WORDS.wouldProve[this.language]}${PROVES[this.id][this.language]}`;
    const text = check.message[this.language];
    if (this.said.has(text) || (state === "true" && !TELLING.has(this.id))) return;
    this.said.add(text);
    this.details.append(make("li", `recheck-detail-${state}`, text));
  }
}

class Recheck {
  private readonly language: Language;
  private readonly status = make("p", "recheck-verdict");
  private readonly bar = make("progress", "recheck-bar");
  private readonly progress = make("div", "recheck-progress");
  private readonly list = make("ol", "recheck-list");
  private readonly notes = make("div", "recheck-notes");
  private readonly file = make("input", "recheck-file");
  private readonly added = make("input", "recheck-file");
  private readonly ownButton = make("button", "recheck-own-start");
  private readonly items = new Map<CheckId, Item>();
  private worker: Worker | null = null;

  constructor(
    private readonly section: HTMLElement,
    private readonly button: HTMLButtonElement,
  ) {
    this.language = section.dataset.lang === "en" ? "en" : "zh";
    this.status.setAttribute("role", "status");
    const label = make("label", "recheck-label", this.word(WORDS.running));
    this.bar.id = "recheck-bar";
    this.bar.max = 1;
    label.htmlFor = this.bar.id;
    this.progress.append(label, this.bar);
    this.progress.hidden = true;
    section.append(this.progress, this.status, this.list, this.notes, this.own());
    button.addEventListener("click", () => this.start(section.dataset.bundle ?? "", []));
    button.disabled = !section.dataset.bundle;
  }

  private word(message: Message): string {
    return message[this.language];
  }

  /** The part for a bundle that the visitor has kept. */
  private own(): HTMLElement {
    const box = make("details", "recheck-own");
    const field = (input: HTMLInputElement, id: string, text: Message, accept: string): HTMLElement => {
      const row = make("p", "recheck-field");
      const label = make("label", "recheck-label", this.word(text));
      input.type = "file";
      input.id = id;
      input.accept = accept;
      label.htmlFor = id;
      row.append(label, input);
      return row;
    };
    this.added.multiple = true;
    this.ownButton.type = "button";
    this.ownButton.textContent = this.word(WORDS.ownStart);
    this.ownButton.addEventListener("click", () => {
      const chosen = this.file.files?.[0];
      if (chosen) this.start(chosen, [...(this.added.files ?? [])]);
      else this.say(this.word(WORDS.noFile));
    });
    box.append(
      make("summary", "recheck-summary", this.word(WORDS.own)),
      field(this.file, "recheck-file", WORDS.ownFile, ".gz,.tgz,application/gzip"),
      field(this.added, "recheck-added", WORDS.addedFiles, ".tsv"),
      this.ownButton,
    );
    return box;
  }

  private say(text: string, verdict?: string): void {
    this.status.textContent = text;
    if (verdict === undefined) delete this.status.dataset.verdict;
    else this.status.dataset.verdict = verdict;
  }

  private busy(busy: boolean): void {
    this.progress.hidden = !busy;
    this.button.disabled = busy || !this.section.dataset.bundle;
    this.ownButton.disabled = busy;
    this.section.setAttribute("aria-busy", String(busy));
  }

  private start(bundle: string | Blob, added: readonly File[]): void {
    this.worker?.terminate();
    this.items.clear();
    this.list.replaceChildren();
    this.notes.replaceChildren();
    this.bar.removeAttribute("value");
    this.busy(true);
    this.say("");
    const at = (address: string): string => new URL(address, location.href).href;
    const { log, logHead } = this.section.dataset;
    const given: Start = {
      bundle: typeof bundle === "string" ? new URL(bundle, location.href).href : bundle,
      jwks: this.section.dataset.jwks ? new URL(this.section.dataset.jwks, location.href).href : null,
      demo: this.section.dataset.demo === "true",
      added,
      // The log belongs to the page's own draw.
      log: typeof bundle === "string" && log && logHead ? { lines: at(log), head: at(logHead) } : null,
    };
    try {
      this.worker = new Worker(this.section.dataset.worker ?? new URL("worker.js", HERE ?? location.href));
    } catch {
      this.end(this.word(WORDS.noWorker));
      return;
    }
    this.worker.onerror = () => this.end(this.word(WORDS.noWorker));
    this.worker.onmessage = (event: MessageEvent<Said>) => this.hear(event.data, given);
    this.worker.postMessage(given);
  }

  private hear(said: Said, given: Start): void {
    switch (said.kind) {
      case "progress":
        this.bar.value = said.part;
        return;
      case "check":
        this.check(said.check);
        return;
      case "failed":
        this.end(this.word(said.message));
        return;
      case "report":
        this.report(said.report, given);
    }
  }

  private check(check: Check): void {
    let item = this.items.get(check.id);
    if (!item) {
      item = new Item(check.id, this.language);
      this.items.set(check.id, item);
      this.list.append(item.element);
    }
    item.add(check);
  }

  private report(report: Report, given: Start): void {
    this.button.textContent = this.word(WORDS.again);
    // A site could hand out another draw's valid bundle: the address says which one was asked for.
    if (typeof given.bundle === "string" && report.draw_id !== null && !`${given.bundle}/`.includes(`/${report.draw_id}/`)) {
      this.end(this.word(WORDS.otherDraw), "not_verified");
      return;
    }
    const notes = report.notes.map((note) => this.word(note));
    if (notes.length > 0) {
      const list = make("ul", "recheck-note-list");
      list.append(...notes.map((note) => make("li", "recheck-note", note)));
      this.notes.append(make("h3", "recheck-notes-title", this.word(WORDS.notes)), list);
    }
    const number = report.draw_id === null ? "" : `${this.word(WORDS.draw)} ${report.draw_id}${this.language === "zh" ? "：" : ": "}`;
    this.end(`${number}${this.word(VERDICTS[report.verdict])}`, report.verdict);
  }

  private end(text: string, verdict?: string): void {
    this.worker?.terminate();
    this.worker = null;
    this.busy(false);
    this.say(text, verdict);
  }
}

const section = document.getElementById("recheck");
const button = document.getElementById("recheck-start");
if (section && button instanceof HTMLButtonElement) new Recheck(section, button);
