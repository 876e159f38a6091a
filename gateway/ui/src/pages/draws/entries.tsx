import type { Contributor, Draw } from '../../api/contract/draws';
import { useI18n } from '../../i18n';
import { beaconKind } from '../../lib/beacon';
import { formatTime } from '../../lib/dates';
import { entryOf, takesEntries } from '../../lib/draw-state';
import { useOrganisationTitle } from '../../session';

/** Who contributes, and what each gave, as it comes. */
export function Entries({ draw }: { draw: Draw }) {
  const { t, tEnum, lang } = useI18n();
  const titleOf = useOrganisationTitle();
  const open = draw.state === 'DRAW_STATE_CREATED' || takesEntries(draw);
  const nameOf = (one: Contributor) => {
    if (one.kind !== 'CONTRIBUTOR_KIND_BEACON') return titleOf(one.contributor);
    const kind = beaconKind(one.contributor);
    return kind ? t(`draws.beacon.${kind}`) : one.contributor;
  };
  return (
    <ol className="entries" aria-live="polite">
      {draw.contributors.map((one, at) => {
        const entry = entryOf(draw, one.contributor);
        const beacon = one.kind === 'CONTRIBUTOR_KIND_BEACON';
        return (
          <li key={one.contributor}>
            <span className="order">{at + 1}</span>
            <span>
              <strong>{nameOf(one)}</strong>
              <br />
              <small className="muted">
                {tEnum('draw.kind.', one.kind)}
                {beacon && ` ${one.contributor}`}
              </small>
            </span>
            {entry ? (
              <span>
                <code>{entry.value}</code>
                <br />
                <small className="muted">{formatTime(entry.createTime, lang, true)}</small>
              </span>
            ) : (
              <span className="muted">{t(!open ? 'draw.notGiven' : beacon ? 'draw.waitingBeacon' : 'draw.waiting')}</span>
            )}
          </li>
        );
      })}
    </ol>
  );
}
