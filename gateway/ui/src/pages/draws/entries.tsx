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
  const noteOf = (one: Contributor) => {
    const kind = one.kind === 'CONTRIBUTOR_KIND_BEACON' ? beaconKind(one.contributor) : null;
    if (kind) return `${t(`draws.beacon.${kind}`)} ${one.contributor}`;
    return one.kind === 'CONTRIBUTOR_KIND_WITNESS' ? `${tEnum('draw.kind.', one.kind)} · ${titleOf(one.unit)}` : tEnum('draw.kind.', one.kind);
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
              <strong>{beacon ? t('draws.beacon') : titleOf(one.contributor)}</strong>
              <br />
              <small className="muted">{noteOf(one)}</small>
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
