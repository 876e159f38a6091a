import { ApartmentOutlined, ApiOutlined, AuditOutlined, CalendarOutlined, ClockCircleOutlined, CoffeeOutlined, DeploymentUnitOutlined, DisconnectOutlined, FieldNumberOutlined, FileProtectOutlined, HomeOutlined, IdcardOutlined, ImportOutlined, LogoutOutlined, MenuOutlined, ScheduleOutlined, ShopOutlined, SolutionOutlined, SwapOutlined, TagsOutlined, TeamOutlined, UserOutlined } from '@ant-design/icons';
import { App, Button, Drawer, Dropdown } from 'antd';
import { useEffect, useRef, useState, type ReactNode } from 'react';
import { Link, NavLink, useLocation, useNavigate } from 'react-router';
import type { Methods } from '../api/contract/routes';
import { useI18n, type TextKey } from '../i18n';
import { useMe, useOrganisationTitle, useSessionState } from '../session';
import { LanguageSwitch, Mark } from './brand';

interface Entry {
  to: string;
  text: TextKey;
  icon: ReactNode;
  /** Shown only to those who may call it. */
  needs?: keyof Methods;
}

const groups: { text: TextKey | null; entries: Entry[] }[] = [
  { text: null, entries: [{ to: '/', text: 'nav.home', icon: <HomeOutlined /> }] },
  {
    text: 'nav.groupWork',
    entries: [
      { to: '/plans', text: 'nav.plans', icon: <CalendarOutlined /> },
      { to: '/caps', text: 'nav.caps', icon: <FieldNumberOutlined /> },
      { to: '/draws', text: 'nav.draws', icon: <DeploymentUnitOutlined /> },
      { to: '/visits', text: 'nav.visits', icon: <AuditOutlined /> },
      { to: '/recusals', text: 'nav.recusals', icon: <SwapOutlined /> },
      { to: '/clocks', text: 'nav.clocks', icon: <ClockCircleOutlined />, needs: 'CatalogClocks.ListClocks' },
    ],
  },
  {
    text: 'nav.groupRegisters',
    entries: [
      { to: '/items', text: 'nav.items', icon: <TagsOutlined /> },
      { to: '/claims', text: 'nav.claims', icon: <ImportOutlined />, needs: 'Claims.ListClaims' },
      { to: '/subjects', text: 'nav.register', icon: <ShopOutlined /> },
      { to: '/officers', text: 'nav.officers', icon: <IdcardOutlined /> },
      { to: '/experts', text: 'nav.experts', icon: <SolutionOutlined /> },
      { to: '/leaves', text: 'nav.leaves', icon: <CoffeeOutlined />, needs: 'People.ListLeaves' },
      { to: '/declarations', text: 'nav.declarations', icon: <FileProtectOutlined />, needs: 'People.ListDeclarations' },
      { to: '/conflicts', text: 'nav.conflicts', icon: <DisconnectOutlined /> },
    ],
  },
  {
    text: 'nav.groupAdmin',
    entries: [
      { to: '/users', text: 'nav.users', icon: <TeamOutlined />, needs: 'Identity.ListUsers' },
      { to: '/organisations', text: 'nav.organisations', icon: <ApartmentOutlined /> },
      { to: '/calendars', text: 'nav.calendars', icon: <ScheduleOutlined />, needs: 'Calendars.ListCalendars' },
      { to: '/machines', text: 'nav.machines', icon: <ApiOutlined />, needs: 'Identity.ListMachineClients' },
    ],
  },
];

function Navigation({ onGo }: { onGo?: () => void }) {
  const { t } = useI18n();
  const me = useMe();
  return (
    <nav className="nav" aria-label={t('app.portal')}>
      {groups.map((group, at) => (
        <div key={at} className="nav-group">
          {group.text && <p className="nav-head">{t(group.text)}</p>}
          <ul>
            {group.entries
              .filter((entry) => !entry.needs || me.may(entry.needs))
              .map((entry) => (
                <li key={entry.to}>
                  <NavLink to={entry.to} end={entry.to === '/'} onClick={onGo}>
                    <span aria-hidden="true">{entry.icon}</span>
                    {t(entry.text)}
                  </NavLink>
                </li>
              ))}
          </ul>
        </div>
      ))}
      <p className="nav-foot">
        <a href="/">{t('app.public')}</a>
      </p>
    </nav>
  );
}

/** Frame of every page: name, menu, person, content. */
export function Shell({ children }: { children: ReactNode }) {
  const { t } = useI18n();
  const me = useMe();
  const { signOut } = useSessionState();
  const titleOf = useOrganisationTitle();
  const { message } = App.useApp();
  const navigate = useNavigate();
  const { pathname } = useLocation();
  const [open, setOpen] = useState(false);
  const content = useRef<HTMLElement>(null);
  const firstPath = useRef(pathname);

  // A new page is announced by moving to its content; the first one keeps the browser's own focus.
  useEffect(() => {
    if (firstPath.current === pathname) return;
    firstPath.current = '';
    window.scrollTo(0, 0);
    content.current?.focus({ preventScroll: true });
  }, [pathname]);

  const leave = () => {
    signOut().then(
      () => navigate('/signin'),
      () => void message.error(t('error.todo.retry')),
    );
  };

  return (
    <div className="shell">
      <a className="skip" href="#content">
        {t('app.skip')}
      </a>
      <header className="top">
        <Button className="top-menu" type="text" icon={<MenuOutlined />} aria-label={t('app.menu')} onClick={() => setOpen(true)} />
        <Link to="/" className="brand">
          <Mark />
          <span className="brand-name">{t('app.name')}</span>
          <span className="brand-sub">{t('app.portal')}</span>
        </Link>
        <span className="top-unit">{titleOf(me.organisation)}</span>
        <LanguageSwitch />
        <Dropdown
          trigger={['click']}
          menu={{
            items: [
              { key: 'account', icon: <UserOutlined />, label: t('account.title'), onClick: () => void navigate('/account') },
              { key: 'leave', icon: <LogoutOutlined />, label: t('app.signOut'), onClick: leave },
            ],
          }}
        >
          <Button type="text" icon={<UserOutlined />} aria-label={`${t('app.account')} ${me.user.realName}`}>
            <span className="top-person">{me.user.realName}</span>
          </Button>
        </Dropdown>
      </header>
      {me.demonstration && (
        <aside className="demonstration" aria-label={t('draws.beacon.demo')}>
          {t('app.demonstration')}
        </aside>
      )}
      <div className="side">
        <Navigation />
      </div>
      <Drawer open={open} onClose={() => setOpen(false)} placement="left" size={264} title={t('app.name')} className="side-drawer">
        <Navigation onGo={() => setOpen(false)} />
      </Drawer>
      <main id="content" className="content" ref={content} tabIndex={-1}>
        {children}
      </main>
    </div>
  );
}
