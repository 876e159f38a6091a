import { Alert, Button, Modal, QRCode } from 'antd';
import { useState } from 'react';
import { call } from '../../api/client';
import type { Contributor, Draw } from '../../api/contract/draws';
import { Confirm } from '../../components/confirm';
import { ErrorPanel } from '../../components/error-panel';
import { Code, Section } from '../../components/page';
import { useAct } from '../../components/use-act';
import { useI18n } from '../../i18n';
import { formatTime } from '../../lib/dates';
import { entryOf, takesEntries } from '../../lib/draw-state';
import { lastPart } from '../../lib/names';
import { useMe, useOrganisationTitle } from '../../session';

/** The link, this once: for the witness's phone, or to be copied. Closing it takes a deliberate click. */
function Issued({ address, onClose }: { address: string; onClose: () => void }) {
  const { t } = useI18n();
  return (
    <Modal open title={t('witness.ready')} closable={false} keyboard={false} mask={{ closable: false }} footer={<Button type="primary" onClick={onClose}>{t('act.close')}</Button>}>
      <Alert type="warning" showIcon className="error-panel" title={t('witness.once')} />
      <figure className="witness-qr" role="img" aria-label={t('witness.qr')}>
        <span aria-hidden="true">
          <QRCode value={address} type="svg" size={232} errorLevel="M" bordered={false} bgColor="#ffffff" color="#000000" />
        </span>
      </figure>
      <Code text={address} label={t('witness.link')} />
    </Modal>
  );
}

/** One witness: its links with when they were issued and opened, and issuing another. */
function Witness({ draw, one, now, set, onIssued }: { draw: Draw; one: Contributor; now: number; set: (draw: Draw) => void; onIssued: (address: string) => void }) {
  const { t, lang } = useI18n();
  const me = useMe();
  const titleOf = useOrganisationTitle();
  const { busy, error, run } = useAct();
  const [asking, setAsking] = useState(false);
  const links = draw.witnessLinks.filter((link) => link.contributor === one.contributor);
  const given = entryOf(draw, one.contributor) !== undefined;
  const open = takesEntries(draw) && draw.entriesClose !== undefined && Date.parse(draw.entriesClose) > now;
  const issuable = open && !given && draw.organisation === me.organisation && me.may('Witnesses.CreateWitnessLink');
  const content = { draw: draw.name, contributor: one.contributor };
  const issue = async () => {
    // Without a request id: the answer is a secret, which is not kept for a repetition.
    const { path, draw: changed } = await call('Witnesses.CreateWitnessLink', content);
    if (changed) set(changed);
    onIssued(new URL(path, location.origin).href);
  };
  return (
    <li>
      <strong>{one.contributor}</strong> <span className="muted">{titleOf(one.unit)}</span>
      <ul className="plain-list">
        {links.length === 0 && <li className="muted">{t('witness.none')}</li>}
        {links.map((link, at) => (
          <li key={link.number}>
            {t('witness.issued', { time: formatTime(link.issueTime, lang, true) })}
            {link.issuer && ` (${link.issuer === me.user.name ? t('witness.byYou') : t('witness.by', { who: lastPart(link.issuer).slice(0, 8) })})`} · {link.openTime ? t('witness.opened', { time: formatTime(link.openTime, lang, true) }) : t('witness.unopened')}
            {at < links.length - 1 && ` · ${t('witness.revoked')}`}
          </li>
        ))}
        {given && <li>{t('witness.given')}</li>}
      </ul>
      {error && <ErrorPanel error={error} />}
      {issuable && (
        <Button loading={busy} onClick={() => (links.length > 0 ? setAsking(true) : void run(content, issue))}>
          {t(links.length > 0 ? 'witness.reissue' : 'witness.issue')}
        </Button>
      )}
      <Confirm open={asking} title={t('witness.reissue')} okText={t('witness.reissue')} content={[content, links.length]} danger onClose={() => setAsking(false)} act={issue}>
        <p>{t('witness.reissueAsk')}</p>
      </Confirm>
    </li>
  );
}

/** The links of a stated draw's witnesses (art. 15). */
export function WitnessLinks({ draw, now, set }: { draw: Draw; now: number; set: (draw: Draw) => void }) {
  const { t } = useI18n();
  const [address, setAddress] = useState('');
  const people = draw.contributors.filter((one) => one.kind === 'CONTRIBUTOR_KIND_WITNESS');
  if (people.length === 0 || draw.statement === '') return null;
  return (
    <Section title={t('witness.title')} lead={t('witness.lead')}>
      <ul className="plain-list witnesses">
        {people.map((one) => (
          <Witness key={one.contributor} draw={draw} one={one} now={now} set={set} onIssued={setAddress} />
        ))}
      </ul>
      {address && <Issued address={address} onClose={() => setAddress('')} />}
    </Section>
  );
}
