import { Alert, App, Button, Drawer } from 'antd';
import { useState } from 'react';
import { Link } from 'react-router';
import { call } from '../../api/client';
import type { Expert } from '../../api/contract/draws';
import { Confirm } from '../../components/confirm';
import { ErrorPanel } from '../../components/error-panel';
import { Facts, Section, StateTag } from '../../components/page';
import { PurposeGate, type Purpose } from '../../components/purpose';
import { useAct } from '../../components/use-act';
import { useFocusBack } from '../../components/focus-back';
import { useI18n } from '../../i18n';
import { formatDay, formatTime } from '../../lib/dates';
import { districtName } from '../../lib/districts';
import { pathBelow } from '../../lib/names';
import { useMe } from '../../session';
import { ExpertForm } from './expert-form';

/** One expert: what the list knows, and the whole once a purpose was stated. */
export function ExpertDrawer({ row, onClose, onChanged }: { row: Expert; onClose: () => void; onChanged: () => void }) {
  useFocusBack();
  const { t, tEnum, lang } = useI18n();
  const me = useMe();
  const { message } = App.useApp();
  const [masked, setMasked] = useState(row);
  const [whole, setWhole] = useState<Expert | null>(null);
  const [purpose, setPurpose] = useState<Purpose>('register-upkeep');
  const [editing, setEditing] = useState(false);
  const [moving, setMoving] = useState(false);
  const { busy, error, run } = useAct();
  const expert = whole ?? masked;
  const active = expert.state === 'EXPERT_STATE_ACTIVE';
  const keeps = me.may('Experts.UpdateExpert') && expert.name.startsWith(`${me.organisation}/`);
  const read = (stated: Purpose) => {
    setPurpose(stated);
    return run([row.name, stated], async () => setWhole(await call('Experts.GetExpert', { name: row.name }, undefined, stated)));
  };
  const changed = (saved: Expert) => {
    // The answer to a change is masked: whoever was reading the whole reads it anew, for the same purpose.
    setMasked(saved);
    if (whole) {
      setWhole(null);
      void read(purpose);
    }
    void message.success(t(saved.pendingChange ? 'subjects.asked' : 'experts.saved'));
    onChanged();
  };
  // Somebody else changed the expert: the list shows how, and nothing private is read that nobody asked to read.
  const reload = () => {
    onChanged();
    onClose();
  };
  const joined = (words: readonly string[]) => words.join(lang === 'zh' ? '、' : ', ');

  return (
    <Drawer open size="large" title={`${t('experts.key')} ${expert.key}`} onClose={onClose} extra={<StateTag prefix="experts.state." value={expert.state} />}>
      {!whole && <PurposeGate busy={busy} onRead={(stated) => void read(stated)} />}
      {error && <ErrorPanel error={error} />}
      {expert.pendingChange && (
        <Alert
          className="page-note"
          type="warning"
          showIcon
          title={
            <>
              {t('subjects.pending')} <Link to={pathBelow('subjects/changes', expert.pendingChange)}>{t('subjects.pendingLink')}</Link>
            </>
          }
        />
      )}
      <Facts
        facts={[
          [t('experts.name'), expert.realName],
          [t('experts.employer'), expert.employer],
          [t('experts.specialties'), joined(expert.specialties.map((one) => tEnum('specialty.', one)))],
          [t('experts.districts'), joined(expert.districts.map((code) => districtName(code, lang)))],
          [t('experts.conflicts'), expert.conflicts],
          [t('officers.declared'), expert.declareDate ? formatDay(expert.declareDate, lang) : t('officers.undeclared')],
          [t('experts.retiredOn'), expert.retireDate && formatDay(expert.retireDate, lang)],
          [t('experts.retireReason'), expert.retireReason],
          [t('field.createTime'), formatTime(expert.createTime, lang)],
        ]}
      />
      {whole && (
        <Section title={t('experts.interests')}>
          {whole.interests.length === 0 ? (
            <p className="muted">{t('experts.noInterests')}</p>
          ) : (
            <ul className="plain-list dotted">
              {whole.interests.map((one, at) => (
                <li key={at}>
                  {one.title} {one.relation} {one.subject && <code>{one.subject}</code>}
                </li>
              ))}
            </ul>
          )}
        </Section>
      )}
      {keeps && (
        <div className="page-acts">
          {whole && active && <Button onClick={() => setEditing(true)}>{t('act.edit')}</Button>}
          <Button danger={active} onClick={() => setMoving(true)}>
            {t(active ? 'experts.retire' : 'experts.restore')}
          </Button>
        </div>
      )}
      {editing && whole && <ExpertForm expert={whole} onClose={() => setEditing(false)} onSaved={changed} />}
      <Confirm
        open={moving}
        title={t(active ? 'experts.retire' : 'experts.restore')}
        okText={t(active ? 'experts.retire' : 'experts.restore')}
        danger={active}
        reason
        content={[expert.name, expert.etag]}
        onClose={() => setMoving(false)}
        onReload={() => (whole ? void read(purpose) : reload())}
        act={async (requestId, reason) =>
          changed(await call('Experts.SetExpertState', { name: expert.name, state: active ? 'EXPERT_STATE_RETIRED' : 'EXPERT_STATE_ACTIVE', reason, etag: expert.etag, requestId }))
        }
      >
        <p>{t(active ? 'experts.retireLead' : 'experts.restoreLead')}</p>
      </Confirm>
    </Drawer>
  );
}
