import type { Draw } from '../../api/contract/draws';
import { useI18n, type TextKey } from '../../i18n';
import { formatTime } from '../../lib/dates';
import { allEntriesIn, beaconOf, entryOf, isRevealed, peopleOf } from '../../lib/draw-state';

interface Step {
  text: TextKey;
  time: string | undefined;
  done: boolean;
  note?: string;
}

/** Day and time of day, each unbroken. */
function inTwo(text: string) {
  return text.split(/ (?=\d\d:)/).map((part) => (
    <span key={part} className="unbroken">
      {part}{' '}
    </span>
  ));
}

/** The line of time of a draw. What lies ahead shows when it is due. */
export function Course({ draw, now }: { draw: Draw; now: number }) {
  const { t, lang } = useI18n();
  const people = peopleOf(draw);
  const given = people.filter((one) => entryOf(draw, one.contributor)).length;
  const beacon = beaconOf(draw);
  const beaconEntry = beacon && entryOf(draw, beacon.contributor);
  const stated = draw.statement !== '';
  const revealed = isRevealed(draw);
  const ended = draw.state === 'DRAW_STATE_ABANDONED' || draw.state === 'DRAW_STATE_FAILED';
  const closed = draw.entriesClose !== undefined && Date.parse(draw.entriesClose) <= now;
  const steps: Step[] = [
    { text: 'draw.step.created', time: draw.createTime, done: true },
    { text: 'draw.step.stated', time: draw.stateTime, done: stated },
    { text: 'draw.step.entries', time: draw.entriesClose, done: revealed || (stated && closed && allEntriesIn(draw)), note: t('draw.entriesGiven', { n: given, all: people.length }) },
    ...(beacon ? [{ text: 'draw.step.beacon' as const, time: beaconEntry?.createTime ?? draw.beaconTime, done: beaconEntry !== undefined }] : []),
    { text: 'draw.step.revealed', time: draw.revealTime, done: revealed, note: revealed || ended ? undefined : t('draw.step.atLatest', { time: formatTime(draw.revealBy, lang) }) },
    { text: 'draw.step.dispatched', time: undefined, done: draw.state === 'DRAW_STATE_DISPATCHED' || draw.state === 'DRAW_STATE_DONE' },
  ];
  const current = steps.findIndex((step) => !step.done);
  return (
    <ol className="course">
      {steps.map((step, at) => (
        <li key={step.text} className={step.done ? 'done' : at === current ? (ended ? 'ended' : 'now') : ''} aria-current={at === current && !ended ? 'step' : undefined}>
          <strong>{t(step.text)}</strong>
          {step.time && <time dateTime={step.time}>{inTwo(formatTime(step.time, lang, true))}</time>}
          {step.note && <small>{step.note}</small>}
        </li>
      ))}
    </ol>
  );
}
