import { Alert, Button, Modal } from 'antd';
import { useEffect, useState } from 'react';
import { Link } from 'react-router';
import { call } from '../../api/client';
import type { PublishItemsResponse, PublishResult } from '../../api/contract/catalog';
import { ErrorPanel } from '../../components/error-panel';
import { Table, type Column } from '../../components/table';
import { useAct } from '../../components/use-act';
import { useI18n } from '../../i18n';
import { pathBelow } from '../../lib/names';

interface Props {
  parent: string;
  /** Names to publish; an empty list means every draft; null: closed. */
  names: readonly string[] | null;
  onClose: () => void;
  onDone: () => void;
}

/** Publishes items: asks first, then says of each refused one why. */
export function PublishItems({ parent, names, onClose, onDone }: Props) {
  const { t } = useI18n();
  const { busy, error, run, clear } = useAct();
  const [result, setResult] = useState<PublishItemsResponse | null>(null);

  useEffect(() => {
    if (names === null) return;
    setResult(null);
    clear();
  }, [names, clear]);

  const publish = () =>
    run([parent, names], async (requestId) => {
      setResult(await call('Catalog.PublishItems', { parent, names: [...(names ?? [])], requestId }));
      onDone();
    });

  const columns: Column<PublishResult>[] = [
    {
      title: t('items.refusedWhy'),
      head: true,
      render: (row) => (
        <Link to={pathBelow('items', row.name)} title={`${t('error.reason')} ${row.reason}`}>
          {row.message}
        </Link>
      ),
    },
  ];

  return (
    <Modal
      open={names !== null}
      title={t('items.publishTitle')}
      width={720}
      mask={{ closable: false }}
      onCancel={onClose}
      footer={
        result ? (
          <Button type="primary" onClick={onClose}>
            {t('act.close')}
          </Button>
        ) : (
          <>
            <Button onClick={onClose}>{t('act.cancel')}</Button>
            <Button type="primary" loading={busy} onClick={() => void publish()}>
              {t('items.publish')}
            </Button>
          </>
        )
      }
    >
      {!result && <p>{names && names.length > 0 ? t('items.publishAsk', { n: names.length }) : t('items.publishAskAll')}</p>}
      {error && <ErrorPanel error={error} />}
      {result && (
        <>
          <Alert type={result.refused.length > 0 ? 'warning' : 'success'} showIcon title={t('items.published', { n: result.published })} description={result.refused.length > 0 ? t('items.refused', { n: result.refused.length }) : undefined} />
          {result.refused.length > 0 && <Table label={t('items.refusedWhy')} columns={columns} rows={result.refused} rowKey={(row) => row.name} />}
        </>
      )}
    </Modal>
  );
}
