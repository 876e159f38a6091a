import { Button, Result } from 'antd';
import { Component, type ReactNode } from 'react';
import { useI18n } from '../i18n';

/** Shows a page that failed, most often because its file vanished with an update. */
export class ErrorBoundary extends Component<{ children: ReactNode }, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError() {
    return { failed: true };
  }

  override render() {
    return this.state.failed ? <Failed /> : this.props.children;
  }
}

function Failed() {
  const { t } = useI18n();
  return (
    <Result
      status="warning"
      title={t('error.pageFailed')}
      extra={
        <Button type="primary" onClick={() => window.location.reload()}>
          {t('act.reload')}
        </Button>
      }
    />
  );
}
