import { App, Button, Spin } from 'antd';
import { useState } from 'react';
import { useParams } from 'react-router';
import { call } from '../../api/client';
import { useLoad } from '../../api/use-load';
import { Confirm } from '../../components/confirm';
import { LoadFailed } from '../../components/load-failed';
import { Facts, MayNot, PageHead, Section, StateTag } from '../../components/page';
import { useI18n } from '../../i18n';
import { formatTime } from '../../lib/dates';
import { districtName } from '../../lib/districts';
import { useMe, useOrganisationTitle } from '../../session';

/** One subject, and its status of life. */
export default function SubjectDetail() {
  const { t, tEnum, lang } = useI18n();
  const me = useMe();
  const titleOf = useOrganisationTitle();
  const { message } = App.useApp();
  const { organisation = '', key = '' } = useParams();
  const name = `organisations/${organisation}/subjects/${key}`;
  const { data, error, reload, set } = useLoad(name, (signal) => call('Registers.GetSubject', { name }, signal));
  const [asking, setAsking] = useState(false);

  if (error) return <LoadFailed error={error} onRetry={reload} />;
  if (!data) return <Spin className="page-spin" />;
  const other = data.status === 'SUBJECT_STATUS_IN_BUSINESS' ? 'SUBJECT_STATUS_NOT_IN_BUSINESS' : 'SUBJECT_STATUS_IN_BUSINESS';
  const own = `organisations/${organisation}` === me.organisation;
  return (
    <>
      <PageHead title={data.title} state={<StateTag prefix="subjects.status." value={data.status} />} lead={titleOf(organisation)}>
        {me.may('Registers.SetSubjectStatus') && own ? <Button onClick={() => setAsking(true)}>{t('subjects.setStatus')}</Button> : <MayNot method="Registers.SetSubjectStatus" />}
      </PageHead>
      <Section>
        <Facts
          facts={[
            [t('subjects.key'), <code key="key">{data.key}</code>],
            [t('subjects.oldNumber'), data.oldNumber && t('field.yes')],
            [t('field.district'), districtName(data.district, lang)],
            [t('subjects.industry'), data.industry],
            [t('subjects.address'), data.address],
            [t('subjects.credit'), data.creditClass || t('subjects.unclassified')],
            [t('field.createTime'), formatTime(data.createTime, lang)],
          ]}
        />
      </Section>
      <Confirm
        open={asking}
        title={t('subjects.setStatusTo', { status: tEnum('subjects.status.', other) })}
        okText={t('act.confirm')}
        content={[name, data.etag, other]}
        reason
        onClose={() => setAsking(false)}
        onReload={reload}
        act={async (requestId, reason) => {
          set(await call('Registers.SetSubjectStatus', { name, status: other, reason, etag: data.etag, requestId }));
          void message.success(t('subjects.changed'));
        }}
      >
        <p>{t('subjects.setStatusHint')}</p>
      </Confirm>
    </>
  );
}
