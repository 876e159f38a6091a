// The work portal: language, theme, session, addresses.
import { App, ConfigProvider, Spin } from 'antd';
import enUS from 'antd/locale/en_US';
import zhCN from 'antd/locale/zh_CN';
import { lazy, Suspense, type ComponentType } from 'react';
import { BrowserRouter, Navigate, Route, Routes, useParams } from 'react-router';
import { nonce } from './csp';
import { LanguageProvider, useI18n } from './i18n';
import { ErrorBoundary } from './components/error-boundary';
import { Shell } from './components/shell';
import { SessionProvider, useSessionState } from './session';
import { NotFound } from './pages/not-found';
import { SignIn, SignInAgain } from './pages/sign-in';
import { theme } from './theme';

const Home = lazy(() => import('./pages/home'));
const Subjects = lazy(() => import('./pages/register/subjects'));
const SubjectDetail = lazy(() => import('./pages/register/subject'));
const SubjectUpload = lazy(() => import('./pages/register/upload'));
const SubjectImports = lazy(() => import('./pages/register/imports'));
const SubjectImport = lazy(() => import('./pages/register/import'));
const RegisterChanges = lazy(() => import('./pages/register/changes'));
const RegisterChange = lazy(() => import('./pages/register/change'));
const Items = lazy(() => import('./pages/items/list'));
const ItemDetail = lazy(() => import('./pages/items/detail'));
const ItemEdit = lazy(() => import('./pages/items/edit'));
const ItemCompare = lazy(() => import('./pages/items/compare'));
const ItemUpload = lazy(() => import('./pages/items/upload'));
const ItemImports = lazy(() => import('./pages/items/imports'));
const Claims = lazy(() => import('./pages/items/claims'));
const Officers = lazy(() => import('./pages/register/officers'));
const Conflicts = lazy(() => import('./pages/register/conflicts'));
const Experts = lazy(() => import('./pages/people/experts'));
const Leaves = lazy(() => import('./pages/people/leaves'));
const Declarations = lazy(() => import('./pages/people/declarations'));
const Caps = lazy(() => import('./pages/caps/caps'));
const Plans = lazy(() => import('./pages/plans/list'));
const PlanDetail = lazy(() => import('./pages/plans/detail'));
const PlanEdit = lazy(() => import('./pages/plans/edit'));
const Draws = lazy(() => import('./pages/draws/list'));
const DrawCreate = lazy(() => import('./pages/draws/create'));
const DrawDetail = lazy(() => import('./pages/draws/detail'));
const ProofCodes = lazy(() => import('./pages/draws/proof-codes'));
const Visits = lazy(() => import('./pages/visits'));
const Recusals = lazy(() => import('./pages/recusals/list'));
const Users = lazy(() => import('./pages/admin/users'));
const User = lazy(() => import('./pages/admin/user'));
const UserCreate = lazy(() => import('./pages/admin/user-create'));
const Organisations = lazy(() => import('./pages/admin/organisations'));
const Machines = lazy(() => import('./pages/admin/machines'));
const Machine = lazy(() => import('./pages/admin/machine'));
const Clocks = lazy(() => import('./pages/clocks/list'));
const Calendars = lazy(() => import('./pages/clocks/calendars'));
const Account = lazy(() => import('./pages/admin/account'));

/** Pop-ups open inside the landmark or dialog they belong to, so that nothing stands outside for screen readers. */
function popupPlace(trigger?: HTMLElement): HTMLElement {
  return trigger?.closest<HTMLElement>('.ant-modal, .ant-drawer-section, main, header') ?? document.body;
}

export function AppRoot() {
  return (
    <LanguageProvider>
      <Themed />
    </LanguageProvider>
  );
}

function Themed() {
  const { lang } = useI18n();
  return (
    <ConfigProvider locale={lang === 'zh' ? zhCN : enUS} theme={theme} csp={{ nonce }} getPopupContainer={popupPlace} button={{ autoInsertSpace: false }}>
      <App message={{ maxCount: 3 }}>
        <ErrorBoundary>
          <BrowserRouter basename="/work">
            <SessionProvider>
              <Addresses />
            </SessionProvider>
          </BrowserRouter>
        </ErrorBoundary>
      </App>
    </ConfigProvider>
  );
}

/** A page that starts afresh when the record in its address changes. */
function PerRecord({ page: Page }: { page: ComponentType }) {
  const params = useParams();
  return <Page key={Object.values(params).join('/')} />;
}

function Addresses() {
  const { session, expired } = useSessionState();
  if (!session) {
    return (
      <Routes>
        <Route path="*" element={<SignIn />} />
      </Routes>
    );
  }
  return (
    // Somebody else begins with pages of his own.
    <Shell key={session.user?.name}>
      {expired && <SignInAgain />}
      <ErrorBoundary>
        <Suspense fallback={<Spin className="page-spin" size="large" />}>
          <Routes>
            <Route index element={<Home />} />
            <Route path="signin" element={<Navigate to="/" replace />} />
            <Route path="subjects" element={<Subjects />} />
            <Route path="subjects/upload" element={<SubjectUpload />} />
            <Route path="subjects/imports" element={<SubjectImports />} />
            <Route path="subjects/imports/:organisation/:id" element={<PerRecord page={SubjectImport} />} />
            <Route path="subjects/changes" element={<RegisterChanges />} />
            <Route path="subjects/changes/:organisation/:id" element={<PerRecord page={RegisterChange} />} />
            <Route path="subjects/:organisation/:key" element={<PerRecord page={SubjectDetail} />} />
            <Route path="items" element={<Items />} />
            <Route path="items/new" element={<ItemEdit key="new" />} />
            <Route path="items/:organisation/:id/edit" element={<PerRecord page={ItemEdit} />} />
            <Route path="items/:organisation/:id/compare" element={<PerRecord page={ItemCompare} />} />
            <Route path="items/upload" element={<ItemUpload />} />
            <Route path="items/imports" element={<ItemImports />} />
            <Route path="claims" element={<Claims />} />
            <Route path="items/:organisation/:id" element={<PerRecord page={ItemDetail} />} />
            <Route path="officers" element={<Officers />} />
            <Route path="conflicts" element={<Conflicts />} />
            <Route path="experts" element={<Experts />} />
            <Route path="leaves" element={<Leaves />} />
            <Route path="caps" element={<Caps />} />
            <Route path="declarations" element={<Declarations />} />
            <Route path="plans" element={<Plans />} />
            <Route path="plans/new" element={<PlanEdit key="new" />} />
            <Route path="plans/:id" element={<PerRecord page={PlanDetail} />} />
            <Route path="plans/:id/edit" element={<PerRecord page={PlanEdit} />} />
            <Route path="draws" element={<Draws />} />
            <Route path="draws/new" element={<DrawCreate />} />
            <Route path="draws/:id" element={<PerRecord page={DrawDetail} />} />
            <Route path="draws/:id/proof-codes" element={<PerRecord page={ProofCodes} />} />
            <Route path="visits" element={<Visits />} />
            <Route path="recusals" element={<Recusals />} />
            <Route path="users" element={<Users />} />
            <Route path="users/new" element={<UserCreate />} />
            <Route path="users/:id" element={<PerRecord page={User} />} />
            <Route path="organisations" element={<Organisations />} />
            <Route path="machines" element={<Machines />} />
            <Route path="machines/:id" element={<PerRecord page={Machine} />} />
            <Route path="clocks" element={<Clocks />} />
            <Route path="calendars" element={<Calendars />} />
            <Route path="account" element={<Account />} />
            <Route path="*" element={<NotFound />} />
          </Routes>
        </Suspense>
      </ErrorBoundary>
    </Shell>
  );
}
