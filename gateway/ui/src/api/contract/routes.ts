// Written by scripts/contract.mjs from the proto files. Do not edit.
import type * as access from './access';
import type * as catalog from './catalog';
import type * as clocks from './clocks';
import type * as common from './common';
import type * as draws from './draws';
import type * as events from './events';
import type * as identity from './identity';
import type * as portal from './portal';
import type * as session from './session';
import type * as uploads from './uploads';

/** Request and answer of each method. */
export interface Methods {
  'Identity.IssueToken': [identity.IssueTokenRequest, identity.AccessToken];
  'Identity.GetMe': [identity.GetMeRequest, identity.User];
  'Identity.ChangePassword': [identity.ChangePasswordRequest, Record<string, never>];
  'Identity.ListOrganisations': [identity.ListOrganisationsRequest, identity.ListOrganisationsResponse];
  'Identity.CreateOrganisation': [identity.CreateOrganisationRequest, identity.Organisation];
  'Identity.ListUsers': [identity.ListUsersRequest, identity.ListUsersResponse];
  'Identity.GetUser': [identity.GetUserRequest, identity.User];
  'Identity.CreateUser': [identity.CreateUserRequest, identity.CreateUserResponse];
  'Identity.FreezeUser': [identity.FreezeUserRequest, identity.User];
  'Identity.UnfreezeUser': [identity.UnfreezeUserRequest, identity.User];
  'Identity.SetCertificate': [identity.SetCertificateRequest, identity.User];
  'Identity.CreateMachineClient': [identity.CreateMachineClientRequest, identity.CreateMachineClientResponse];
  'Identity.ListMachineClients': [identity.ListMachineClientsRequest, identity.ListMachineClientsResponse];
  'Identity.GetMachineClient': [identity.GetMachineClientRequest, identity.MachineClient];
  'Identity.RotateMachineClientSecret': [identity.RotateMachineClientSecretRequest, identity.RotateMachineClientSecretResponse];
  'Identity.EndOldMachineClientSecret': [identity.EndOldMachineClientSecretRequest, identity.MachineClient];
  'Identity.FreezeMachineClient': [identity.FreezeMachineClientRequest, identity.MachineClient];
  'Identity.UnfreezeMachineClient': [identity.UnfreezeMachineClientRequest, identity.MachineClient];
  'Identity.RetireMachineClient': [identity.RetireMachineClientRequest, identity.MachineClient];
  'Identity.ReadEvents': [events.ReadEventsRequest, events.ReadEventsResponse];
  'Users.VerifyUser': [identity.VerifyUserRequest, identity.User];
  'Users.SetRoles': [identity.SetRolesRequest, identity.User];
  'Users.HandOverDuties': [identity.HandOverDutiesRequest, identity.User];
  'Users.CloseUser': [identity.CloseUserRequest, identity.User];
  'Users.ListUserActs': [identity.ListUserActsRequest, identity.ListUserActsResponse];
  'SignOns.ListSignOnLinks': [identity.ListSignOnLinksRequest, identity.ListSignOnLinksResponse];
  'SignOns.CreateSignOnLink': [identity.CreateSignOnLinkRequest, identity.SignOnLink];
  'SignOns.DeleteSignOnLink': [identity.DeleteSignOnLinkRequest, Record<string, never>];
  'Catalog.ImportItems': [catalog.ImportItemsRequest, common.Import];
  'Catalog.ListItems': [catalog.ListItemsRequest, catalog.ListItemsResponse];
  'Catalog.GetItem': [catalog.GetItemRequest, catalog.Item];
  'Catalog.CreateItem': [catalog.CreateItemRequest, catalog.Item];
  'Catalog.UpdateItem': [catalog.UpdateItemRequest, catalog.Item];
  'Catalog.PublishItems': [catalog.PublishItemsRequest, catalog.PublishItemsResponse];
  'Catalog.ListItemImports': [catalog.ListItemImportsRequest, catalog.ListItemImportsResponse];
  'Catalog.DownloadItemImportReport': [catalog.DownloadItemImportReportRequest, unknown];
  'Catalog.ReadEvents': [events.ReadEventsRequest, events.ReadEventsResponse];
  'Calendars.DueWorkday': [catalog.DueWorkdayRequest, catalog.DueWorkdayResponse];
  'Calendars.ImportCalendar': [catalog.ImportCalendarRequest, catalog.Calendar];
  'Calendars.ApproveCalendar': [catalog.ApproveCalendarRequest, catalog.Calendar];
  'Calendars.RejectCalendar': [catalog.RejectCalendarRequest, catalog.Calendar];
  'Calendars.ListCalendars': [catalog.ListCalendarsRequest, catalog.ListCalendarsResponse];
  'Calendars.GetCalendar': [catalog.GetCalendarRequest, catalog.Calendar];
  'CatalogClocks.ListClocks': [clocks.ListClocksRequest, clocks.ListClocksResponse];
  'Claims.IssueItems': [catalog.IssueItemsRequest, catalog.IssueItemsResponse];
  'Claims.ListClaims': [catalog.ListClaimsRequest, catalog.ListClaimsResponse];
  'Claims.GetClaim': [catalog.GetClaimRequest, catalog.Claim];
  'Claims.ClaimItems': [catalog.ClaimItemsRequest, catalog.ClaimItemsResponse];
  'Claims.DeclineClaim': [catalog.DeclineClaimRequest, catalog.Claim];
  'Claims.RuleOnClaim': [catalog.RuleOnClaimRequest, catalog.Claim];
  'ItemVersions.ReviseItem': [catalog.ReviseItemRequest, catalog.Item];
  'ItemVersions.WithdrawItemRevision': [catalog.WithdrawItemRevisionRequest, catalog.Item];
  'ItemVersions.RetireItem': [catalog.RetireItemRequest, catalog.Item];
  'ItemVersions.ListItemVersions': [catalog.ListItemVersionsRequest, catalog.ListItemVersionsResponse];
  'ItemVersions.GetItemVersion': [catalog.GetItemVersionRequest, catalog.ItemVersion];
  'ItemVersions.CompareItemVersions': [catalog.CompareItemVersionsRequest, catalog.CompareItemVersionsResponse];
  'ItemUploads.CreateUpload': [uploads.CreateUploadRequest, uploads.Upload];
  'ItemUploads.AppendUpload': [uploads.AppendUploadRequest, uploads.Upload];
  'ItemUploads.GetUpload': [uploads.GetUploadRequest, uploads.Upload];
  'ItemUploads.DeleteUpload': [uploads.DeleteUploadRequest, uploads.DeleteUploadResponse];
  'Registers.ImportSubjects': [draws.ImportSubjectsRequest, common.Import];
  'Registers.ListImports': [draws.ListImportsRequest, draws.ListImportsResponse];
  'Registers.GetImport': [draws.GetImportRequest, common.Import];
  'Registers.DownloadImportReport': [draws.DownloadImportReportRequest, unknown];
  'Registers.ListSubjects': [draws.ListSubjectsRequest, draws.ListSubjectsResponse];
  'Registers.ExportSubjects': [draws.ExportSubjectsRequest, unknown];
  'Registers.GetSubject': [draws.GetSubjectRequest, draws.Subject];
  'Registers.SetSubjectStatus': [draws.SetSubjectStatusRequest, draws.Subject];
  'Registers.ListOfficers': [draws.ListOfficersRequest, draws.ListOfficersResponse];
  'Registers.DeclareConflict': [draws.DeclareConflictRequest, draws.Conflict];
  'Registers.ListConflicts': [draws.ListConflictsRequest, draws.ListConflictsResponse];
  'RegisterChanges.ChangeSubjects': [draws.ChangeSubjectsRequest, draws.RegisterChange];
  'RegisterChanges.ListRegisterChanges': [draws.ListRegisterChangesRequest, draws.ListRegisterChangesResponse];
  'RegisterChanges.GetRegisterChange': [draws.GetRegisterChangeRequest, draws.RegisterChange];
  'RegisterChanges.ListRegisterChangeRows': [draws.ListRegisterChangeRowsRequest, draws.ListRegisterChangeRowsResponse];
  'RegisterChanges.ApproveRegisterChange': [draws.ApproveRegisterChangeRequest, draws.RegisterChange];
  'RegisterChanges.RejectRegisterChange': [draws.RejectRegisterChangeRequest, draws.RegisterChange];
  'RegisterChanges.ListSubjectVersions': [draws.ListSubjectVersionsRequest, draws.ListSubjectVersionsResponse];
  'Plans.CreatePlan': [draws.CreatePlanRequest, draws.Plan];
  'Plans.UpdatePlan': [draws.UpdatePlanRequest, draws.Plan];
  'Plans.GetPlan': [draws.GetPlanRequest, draws.Plan];
  'Plans.ListPlans': [draws.ListPlansRequest, draws.ListPlansResponse];
  'Plans.PreviewPlan': [draws.PreviewPlanRequest, draws.PreviewPlanResponse];
  'Plans.SubmitPlan': [draws.SubmitPlanRequest, draws.Plan];
  'Plans.ReturnPlan': [draws.ReturnPlanRequest, draws.Plan];
  'Plans.PublishPlan': [draws.PublishPlanRequest, draws.Plan];
  'Caps.CreateCap': [draws.CreateCapRequest, draws.Cap];
  'Caps.PublishCap': [draws.PublishCapRequest, draws.Cap];
  'Caps.RejectCap': [draws.RejectCapRequest, draws.Cap];
  'Caps.GetCap': [draws.GetCapRequest, draws.Cap];
  'Caps.ListCaps': [draws.ListCapsRequest, draws.ListCapsResponse];
  'Caps.ListPublishedCaps': [draws.ListPublishedCapsRequest, draws.ListPublishedCapsResponse];
  'Caps.DownloadPublishedCaps': [draws.DownloadPublishedCapsRequest, unknown];
  'DrawsClocks.ListClocks': [clocks.ListClocksRequest, clocks.ListClocksResponse];
  'Draws.CreateDraw': [draws.CreateDrawRequest, draws.Draw];
  'Draws.GetDraw': [draws.GetDrawRequest, draws.Draw];
  'Draws.ListDraws': [draws.ListDrawsRequest, draws.ListDrawsResponse];
  'Draws.StateDraw': [draws.StateDrawRequest, draws.Draw];
  'Draws.AddEntry': [draws.AddEntryRequest, draws.Draw];
  'Draws.ReportBeacon': [draws.ReportBeaconRequest, draws.Draw];
  'Draws.AbandonDraw': [draws.AbandonDrawRequest, draws.Draw];
  'Draws.ListDrawn': [draws.ListDrawnRequest, draws.ListDrawnResponse];
  'Draws.DownloadEvidence': [draws.DownloadEvidenceRequest, unknown];
  'Draws.DownloadWithheld': [draws.DownloadWithheldRequest, unknown];
  'Draws.ReadEvents': [events.ReadEventsRequest, events.ReadEventsResponse];
  'Visits.ListVisits': [draws.ListVisitsRequest, draws.ListVisitsResponse];
  'Visits.GetVisit': [draws.GetVisitRequest, draws.Visit];
  'Recusals.CreateRecusal': [draws.CreateRecusalRequest, draws.Recusal];
  'Recusals.GetRecusal': [draws.GetRecusalRequest, draws.Recusal];
  'Recusals.ListRecusals': [draws.ListRecusalsRequest, draws.ListRecusalsResponse];
  'Recusals.UpholdRecusal': [draws.UpholdRecusalRequest, draws.Recusal];
  'Recusals.RejectRecusal': [draws.RejectRecusalRequest, draws.Recusal];
  'Proofs.IssueProofCode': [draws.IssueProofCodeRequest, draws.ProofCode];
  'Proofs.ListProofCodes': [draws.ListProofCodesRequest, draws.ListProofCodesResponse];
  'Proofs.RedeemProofCode': [draws.RedeemProofCodeRequest, draws.OwnLine];
  'Witnesses.CreateWitnessLink': [draws.CreateWitnessLinkRequest, draws.CreateWitnessLinkResponse];
  'Witnesses.OpenWitnessLink': [draws.OpenWitnessLinkRequest, draws.OpenWitnessLinkResponse];
  'Witnesses.AddWitnessEntry': [draws.AddWitnessEntryRequest, draws.AddWitnessEntryResponse];
  'Experts.ListExperts': [draws.ListExpertsRequest, draws.ListExpertsResponse];
  'Experts.GetExpert': [draws.GetExpertRequest, draws.Expert];
  'Experts.CreateExpert': [draws.CreateExpertRequest, draws.Expert];
  'Experts.UpdateExpert': [draws.UpdateExpertRequest, draws.Expert];
  'Experts.SetExpertState': [draws.SetExpertStateRequest, draws.Expert];
  'Experts.ImportExperts': [draws.ImportExpertsRequest, draws.ImportExpertsResponse];
  'Experts.ExportExperts': [draws.ExportExpertsRequest, unknown];
  'People.CreateLeave': [draws.CreateLeaveRequest, draws.Leave];
  'People.EndLeave': [draws.EndLeaveRequest, draws.Leave];
  'People.GetLeave': [draws.GetLeaveRequest, draws.Leave];
  'People.ListLeaves': [draws.ListLeavesRequest, draws.ListLeavesResponse];
  'People.CreateDeclaration': [draws.CreateDeclarationRequest, draws.Declaration];
  'People.ListDeclarations': [draws.ListDeclarationsRequest, draws.ListDeclarationsResponse];
  'People.ListUndeclared': [draws.ListUndeclaredRequest, draws.ListUndeclaredResponse];
  'People.GetOwnStanding': [draws.GetOwnStandingRequest, draws.OwnStanding];
  'People.RequestConflictLift': [draws.RequestConflictLiftRequest, draws.Conflict];
  'People.LiftConflict': [draws.LiftConflictRequest, draws.Conflict];
  'People.RejectConflictLift': [draws.RejectConflictLiftRequest, draws.Conflict];
  'Uploads.CreateUpload': [uploads.CreateUploadRequest, uploads.Upload];
  'Uploads.AppendUpload': [uploads.AppendUploadRequest, uploads.Upload];
  'Uploads.GetUpload': [uploads.GetUploadRequest, uploads.Upload];
  'Uploads.DeleteUpload': [uploads.DeleteUploadRequest, uploads.DeleteUploadResponse];
  'Portal.GetOverview': [portal.GetOverviewRequest, portal.Overview];
  'Portal.Search': [portal.SearchRequest, portal.SearchResponse];
  'Portal.ListPlans': [portal.ListPlansRequest, portal.ListPlansResponse];
  'Portal.GetPlan': [portal.GetPlanRequest, portal.PublicPlan];
  'Portal.ListItems': [portal.ListItemsRequest, portal.ListItemsResponse];
  'Portal.GetItem': [portal.GetItemRequest, catalog.Item];
  'Portal.ListDraws': [portal.ListDrawsRequest, portal.ListDrawsResponse];
  'Portal.GetFairness': [portal.GetFairnessRequest, portal.Fairness];
  'Portal.GetDraw': [portal.GetDrawRequest, portal.PublicDraw];
  'Portal.ListDrawn': [portal.ListDrawnRequest, portal.ListDrawnResponse];
  'Portal.LookUpSubject': [portal.LookUpSubjectRequest, portal.SubjectStanding];
  'Portal.DownloadEvidence': [portal.DownloadEvidenceRequest, unknown];
  'Portal.DownloadStatement': [portal.DownloadStatementRequest, unknown];
  'Portal.DownloadLog': [portal.DownloadLogRequest, unknown];
  'Portal.DownloadLogHead': [portal.DownloadLogHeadRequest, unknown];
  'Portal.ListLog': [portal.ListLogRequest, portal.ListLogResponse];
  'Portal.GetSigningKeys': [portal.GetSigningKeysRequest, unknown];
  'Sessions.SignIn': [session.SignInRequest, session.Session];
  'Sessions.BeginSignOn': [session.BeginSignOnRequest, session.BeginSignOnResponse];
  'Sessions.FinishSignOn': [session.FinishSignOnRequest, session.Session];
  'Sessions.GetSession': [session.GetSessionRequest, session.Session];
  'Sessions.SignOut': [session.SignOutRequest, Record<string, never>];
}

/** Where a method is served and which roles may call it (none given: anybody signed in, or everybody). */
export interface Route {
  verb: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  path: string;
  body?: string;
  roles?: access.Role[];
}

export const routes: Record<keyof Methods, Route> = {
  'Identity.IssueToken': { verb: 'POST', path: '/v1/token:issue', body: '*' },
  'Identity.GetMe': { verb: 'GET', path: '/v1/me' },
  'Identity.ChangePassword': { verb: 'POST', path: '/v1/me:changePassword', body: '*' },
  'Identity.ListOrganisations': { verb: 'GET', path: '/v1/organisations' },
  'Identity.CreateOrganisation': { verb: 'POST', path: '/v1/organisations', body: 'organisation', roles: ['ROLE_PLATFORM_OPERATOR'] },
  'Identity.ListUsers': { verb: 'GET', path: '/v1/users', roles: ['ROLE_PLATFORM_OPERATOR', 'ROLE_DEPARTMENT_ADMIN', 'ROLE_AUDITOR', 'ROLE_DISTRICT_ADMIN', 'ROLE_SECURITY_ADMIN'] },
  'Identity.GetUser': { verb: 'GET', path: '/v1/{name=users/*}', roles: ['ROLE_PLATFORM_OPERATOR', 'ROLE_DEPARTMENT_ADMIN', 'ROLE_AUDITOR', 'ROLE_DISTRICT_ADMIN', 'ROLE_SECURITY_ADMIN'] },
  'Identity.CreateUser': { verb: 'POST', path: '/v1/users', body: '*', roles: ['ROLE_PLATFORM_OPERATOR', 'ROLE_DEPARTMENT_ADMIN', 'ROLE_DISTRICT_ADMIN'] },
  'Identity.FreezeUser': { verb: 'POST', path: '/v1/{name=users/*}:freeze', body: '*', roles: ['ROLE_PLATFORM_OPERATOR', 'ROLE_DEPARTMENT_ADMIN', 'ROLE_DISTRICT_ADMIN', 'ROLE_SECURITY_ADMIN'] },
  'Identity.UnfreezeUser': { verb: 'POST', path: '/v1/{name=users/*}:unfreeze', body: '*', roles: ['ROLE_PLATFORM_OPERATOR', 'ROLE_DEPARTMENT_ADMIN', 'ROLE_DISTRICT_ADMIN', 'ROLE_SECURITY_ADMIN'] },
  'Identity.SetCertificate': { verb: 'POST', path: '/v1/{name=users/*}:setCertificate', body: '*', roles: ['ROLE_PLATFORM_OPERATOR', 'ROLE_DEPARTMENT_ADMIN'] },
  'Identity.CreateMachineClient': { verb: 'POST', path: '/v1/machineClients', body: '*', roles: ['ROLE_PLATFORM_OPERATOR', 'ROLE_DEPARTMENT_ADMIN'] },
  'Identity.ListMachineClients': { verb: 'GET', path: '/v1/machineClients', roles: ['ROLE_PLATFORM_OPERATOR', 'ROLE_DEPARTMENT_ADMIN', 'ROLE_AUDITOR'] },
  'Identity.GetMachineClient': { verb: 'GET', path: '/v1/{name=machineClients/*}', roles: ['ROLE_PLATFORM_OPERATOR', 'ROLE_DEPARTMENT_ADMIN', 'ROLE_AUDITOR'] },
  'Identity.RotateMachineClientSecret': { verb: 'POST', path: '/v1/{name=machineClients/*}:rotate', body: '*', roles: ['ROLE_PLATFORM_OPERATOR', 'ROLE_DEPARTMENT_ADMIN'] },
  'Identity.EndOldMachineClientSecret': { verb: 'POST', path: '/v1/{name=machineClients/*}:endOldSecret', body: '*', roles: ['ROLE_PLATFORM_OPERATOR', 'ROLE_DEPARTMENT_ADMIN'] },
  'Identity.FreezeMachineClient': { verb: 'POST', path: '/v1/{name=machineClients/*}:freeze', body: '*', roles: ['ROLE_PLATFORM_OPERATOR', 'ROLE_DEPARTMENT_ADMIN'] },
  'Identity.UnfreezeMachineClient': { verb: 'POST', path: '/v1/{name=machineClients/*}:unfreeze', body: '*', roles: ['ROLE_PLATFORM_OPERATOR', 'ROLE_DEPARTMENT_ADMIN'] },
  'Identity.RetireMachineClient': { verb: 'POST', path: '/v1/{name=machineClients/*}:retire', body: '*', roles: ['ROLE_PLATFORM_OPERATOR', 'ROLE_DEPARTMENT_ADMIN'] },
  'Identity.ReadEvents': { verb: 'GET', path: '/v1/events/identity', roles: ['ROLE_INTEGRATOR', 'ROLE_AUDITOR'] },
  'Users.VerifyUser': { verb: 'POST', path: '/v1/{name=users/*}:verify', body: '*', roles: ['ROLE_PLATFORM_OPERATOR', 'ROLE_DISTRICT_ADMIN', 'ROLE_DEPARTMENT_ADMIN'] },
  'Users.SetRoles': { verb: 'POST', path: '/v1/{name=users/*}:setRoles', body: '*', roles: ['ROLE_PLATFORM_OPERATOR', 'ROLE_DISTRICT_ADMIN', 'ROLE_DEPARTMENT_ADMIN'] },
  'Users.HandOverDuties': { verb: 'POST', path: '/v1/{name=users/*}:handOverDuties', body: '*', roles: ['ROLE_PLATFORM_OPERATOR', 'ROLE_DISTRICT_ADMIN', 'ROLE_DEPARTMENT_ADMIN'] },
  'Users.CloseUser': { verb: 'POST', path: '/v1/{name=users/*}:close', body: '*', roles: ['ROLE_PLATFORM_OPERATOR', 'ROLE_DISTRICT_ADMIN', 'ROLE_DEPARTMENT_ADMIN'] },
  'Users.ListUserActs': { verb: 'GET', path: '/v1/{parent=users/*}/acts', roles: ['ROLE_PLATFORM_OPERATOR', 'ROLE_DISTRICT_ADMIN', 'ROLE_DEPARTMENT_ADMIN', 'ROLE_AUDITOR', 'ROLE_SECURITY_ADMIN'] },
  'SignOns.ListSignOnLinks': { verb: 'GET', path: '/v1/{parent=users/*}/signOnLinks', roles: ['ROLE_PLATFORM_OPERATOR', 'ROLE_DEPARTMENT_ADMIN', 'ROLE_DISTRICT_ADMIN'] },
  'SignOns.CreateSignOnLink': { verb: 'POST', path: '/v1/{parent=users/*}/signOnLinks', body: '*', roles: ['ROLE_PLATFORM_OPERATOR', 'ROLE_DEPARTMENT_ADMIN', 'ROLE_DISTRICT_ADMIN'] },
  'SignOns.DeleteSignOnLink': { verb: 'DELETE', path: '/v1/{name=users/*/signOnLinks/*}', roles: ['ROLE_PLATFORM_OPERATOR', 'ROLE_DEPARTMENT_ADMIN', 'ROLE_DISTRICT_ADMIN'] },
  'Catalog.ImportItems': { verb: 'POST', path: '/v1/{parent=organisations/*}/items:import', body: 'file', roles: ['ROLE_HANDLER', 'ROLE_INTEGRATOR'] },
  'Catalog.ListItems': { verb: 'GET', path: '/v1/{parent=organisations/*}/items' },
  'Catalog.GetItem': { verb: 'GET', path: '/v1/{name=organisations/*/items/*}' },
  'Catalog.CreateItem': { verb: 'POST', path: '/v1/{parent=organisations/*}/items', body: 'item', roles: ['ROLE_HANDLER', 'ROLE_INTEGRATOR'] },
  'Catalog.UpdateItem': { verb: 'PATCH', path: '/v1/{item.name=organisations/*/items/*}', body: 'item', roles: ['ROLE_HANDLER'] },
  'Catalog.PublishItems': { verb: 'POST', path: '/v1/{parent=organisations/*}/items:publish', body: '*', roles: ['ROLE_REVIEWER'] },
  'Catalog.ListItemImports': { verb: 'GET', path: '/v1/{parent=organisations/*}/itemImports' },
  'Catalog.DownloadItemImportReport': { verb: 'GET', path: '/v1/{name=organisations/*/itemImports/*}:report' },
  'Catalog.ReadEvents': { verb: 'GET', path: '/v1/events/catalog', roles: ['ROLE_INTEGRATOR', 'ROLE_AUDITOR'] },
  'Calendars.DueWorkday': { verb: 'GET', path: '/v1/public/workdays:due' },
  'Calendars.ImportCalendar': { verb: 'POST', path: '/v1/calendars:import', body: '*', roles: ['ROLE_PLATFORM_OPERATOR'] },
  'Calendars.ApproveCalendar': { verb: 'POST', path: '/v1/{name=calendars/*}:approve', body: '*', roles: ['ROLE_PLATFORM_OPERATOR', 'ROLE_SUPERVISION_OFFICE'] },
  'Calendars.RejectCalendar': { verb: 'POST', path: '/v1/{name=calendars/*}:reject', body: '*', roles: ['ROLE_PLATFORM_OPERATOR', 'ROLE_SUPERVISION_OFFICE'] },
  'Calendars.ListCalendars': { verb: 'GET', path: '/v1/calendars' },
  'Calendars.GetCalendar': { verb: 'GET', path: '/v1/{name=calendars/*}' },
  'CatalogClocks.ListClocks': { verb: 'GET', path: '/v1/{parent=organisations/*}/catalogClocks' },
  'Claims.IssueItems': { verb: 'POST', path: '/v1/claims:issue', body: '*', roles: ['ROLE_COORDINATOR'] },
  'Claims.ListClaims': { verb: 'GET', path: '/v1/{parent=organisations/*}/claims' },
  'Claims.GetClaim': { verb: 'GET', path: '/v1/{name=organisations/*/claims/*}' },
  'Claims.ClaimItems': { verb: 'POST', path: '/v1/{parent=organisations/*}/claims:claim', body: '*', roles: ['ROLE_HANDLER'] },
  'Claims.DeclineClaim': { verb: 'POST', path: '/v1/{name=organisations/*/claims/*}:decline', body: '*', roles: ['ROLE_HANDLER'] },
  'Claims.RuleOnClaim': { verb: 'POST', path: '/v1/{name=organisations/*/claims/*}:rule', body: '*', roles: ['ROLE_COORDINATOR'] },
  'ItemVersions.ReviseItem': { verb: 'POST', path: '/v1/{name=organisations/*/items/*}:revise', body: '*', roles: ['ROLE_HANDLER'] },
  'ItemVersions.WithdrawItemRevision': { verb: 'POST', path: '/v1/{name=organisations/*/items/*}:withdrawRevision', body: '*', roles: ['ROLE_HANDLER'] },
  'ItemVersions.RetireItem': { verb: 'POST', path: '/v1/{name=organisations/*/items/*}:retire', body: '*', roles: ['ROLE_REVIEWER'] },
  'ItemVersions.ListItemVersions': { verb: 'GET', path: '/v1/{parent=organisations/*/items/*}/versions' },
  'ItemVersions.GetItemVersion': { verb: 'GET', path: '/v1/{name=organisations/*/items/*/versions/*}' },
  'ItemVersions.CompareItemVersions': { verb: 'GET', path: '/v1/{name=organisations/*/items/*}:compare' },
  'ItemUploads.CreateUpload': { verb: 'POST', path: '/v1/{parent=organisations/*}/itemUploads', body: 'upload', roles: ['ROLE_HANDLER', 'ROLE_INTEGRATOR'] },
  'ItemUploads.AppendUpload': { verb: 'PATCH', path: '/v1/{name=organisations/*/itemUploads/*}', body: 'file', roles: ['ROLE_HANDLER', 'ROLE_INTEGRATOR'] },
  'ItemUploads.GetUpload': { verb: 'GET', path: '/v1/{name=organisations/*/itemUploads/*}', roles: ['ROLE_HANDLER', 'ROLE_INTEGRATOR'] },
  'ItemUploads.DeleteUpload': { verb: 'DELETE', path: '/v1/{name=organisations/*/itemUploads/*}', roles: ['ROLE_HANDLER', 'ROLE_INTEGRATOR'] },
  'Registers.ImportSubjects': { verb: 'POST', path: '/v1/{parent=organisations/*}/subjects:import', body: 'file', roles: ['ROLE_HANDLER', 'ROLE_INTEGRATOR'] },
  'Registers.ListImports': { verb: 'GET', path: '/v1/{parent=organisations/*}/imports' },
  'Registers.GetImport': { verb: 'GET', path: '/v1/{name=organisations/*/imports/*}' },
  'Registers.DownloadImportReport': { verb: 'GET', path: '/v1/{name=organisations/*/imports/*}:report' },
  'Registers.ListSubjects': { verb: 'GET', path: '/v1/{parent=organisations/*}/subjects' },
  'Registers.ExportSubjects': { verb: 'GET', path: '/v1/{parent=organisations/*}/subjects:export' },
  'Registers.GetSubject': { verb: 'GET', path: '/v1/{name=organisations/*/subjects/*}' },
  'Registers.SetSubjectStatus': { verb: 'POST', path: '/v1/{name=organisations/*/subjects/*}:setStatus', body: '*', roles: ['ROLE_HANDLER'] },
  'Registers.ListOfficers': { verb: 'GET', path: '/v1/{parent=organisations/*}/officers' },
  'Registers.DeclareConflict': { verb: 'POST', path: '/v1/{parent=organisations/*}/conflicts', body: 'conflict', roles: ['ROLE_OFFICER', 'ROLE_HANDLER'] },
  'Registers.ListConflicts': { verb: 'GET', path: '/v1/{parent=organisations/*}/conflicts', roles: ['ROLE_HANDLER', 'ROLE_REVIEWER', 'ROLE_AUDITOR', 'ROLE_OFFICER'] },
  'RegisterChanges.ChangeSubjects': { verb: 'POST', path: '/v1/{parent=organisations/*}/subjects:change', body: '*', roles: ['ROLE_HANDLER'] },
  'RegisterChanges.ListRegisterChanges': { verb: 'GET', path: '/v1/{parent=organisations/*}/registerChanges' },
  'RegisterChanges.GetRegisterChange': { verb: 'GET', path: '/v1/{name=organisations/*/registerChanges/*}' },
  'RegisterChanges.ListRegisterChangeRows': { verb: 'GET', path: '/v1/{parent=organisations/*/registerChanges/*}/rows' },
  'RegisterChanges.ApproveRegisterChange': { verb: 'POST', path: '/v1/{name=organisations/*/registerChanges/*}:approve', body: '*', roles: ['ROLE_REVIEWER'] },
  'RegisterChanges.RejectRegisterChange': { verb: 'POST', path: '/v1/{name=organisations/*/registerChanges/*}:reject', body: '*', roles: ['ROLE_REVIEWER'] },
  'RegisterChanges.ListSubjectVersions': { verb: 'GET', path: '/v1/{parent=organisations/*/subjects/*}/versions' },
  'Plans.CreatePlan': { verb: 'POST', path: '/v1/plans', body: 'plan', roles: ['ROLE_HANDLER'] },
  'Plans.UpdatePlan': { verb: 'PATCH', path: '/v1/{plan.name=plans/*}', body: 'plan', roles: ['ROLE_HANDLER'] },
  'Plans.GetPlan': { verb: 'GET', path: '/v1/{name=plans/*}' },
  'Plans.ListPlans': { verb: 'GET', path: '/v1/plans' },
  'Plans.PreviewPlan': { verb: 'GET', path: '/v1/{name=plans/*}:preview' },
  'Plans.SubmitPlan': { verb: 'POST', path: '/v1/{name=plans/*}:submit', body: '*', roles: ['ROLE_HANDLER'] },
  'Plans.ReturnPlan': { verb: 'POST', path: '/v1/{name=plans/*}:return', body: '*', roles: ['ROLE_REVIEWER'] },
  'Plans.PublishPlan': { verb: 'POST', path: '/v1/{name=plans/*}:publish', body: '*', roles: ['ROLE_REVIEWER'] },
  'Caps.CreateCap': { verb: 'POST', path: '/v1/{parent=organisations/*}/caps', body: 'cap', roles: ['ROLE_HANDLER', 'ROLE_COORDINATOR'] },
  'Caps.PublishCap': { verb: 'POST', path: '/v1/{name=organisations/*/caps/*}:publish', body: '*', roles: ['ROLE_REVIEWER', 'ROLE_COORDINATOR'] },
  'Caps.RejectCap': { verb: 'POST', path: '/v1/{name=organisations/*/caps/*}:reject', body: '*', roles: ['ROLE_REVIEWER', 'ROLE_COORDINATOR'] },
  'Caps.GetCap': { verb: 'GET', path: '/v1/{name=organisations/*/caps/*}' },
  'Caps.ListCaps': { verb: 'GET', path: '/v1/{parent=organisations/*}/caps' },
  'Caps.ListPublishedCaps': { verb: 'GET', path: '/v1/public/caps' },
  'Caps.DownloadPublishedCaps': { verb: 'GET', path: '/v1/public/caps:csv' },
  'DrawsClocks.ListClocks': { verb: 'GET', path: '/v1/{parent=organisations/*}/drawsClocks' },
  'Draws.CreateDraw': { verb: 'POST', path: '/v1/draws', body: 'draw', roles: ['ROLE_HANDLER'] },
  'Draws.GetDraw': { verb: 'GET', path: '/v1/{name=draws/*}' },
  'Draws.ListDraws': { verb: 'GET', path: '/v1/draws' },
  'Draws.StateDraw': { verb: 'POST', path: '/v1/{name=draws/*}:state', body: '*', roles: ['ROLE_HANDLER'] },
  'Draws.AddEntry': { verb: 'POST', path: '/v1/{name=draws/*}:addEntry', body: '*', roles: ['ROLE_HANDLER', 'ROLE_REVIEWER', 'ROLE_SUPERVISION_OFFICE', 'ROLE_PLATFORM_OPERATOR'] },
  'Draws.ReportBeacon': { verb: 'POST', path: '/v1/{name=draws/*}:reportBeacon', body: '*', roles: ['ROLE_HANDLER', 'ROLE_REVIEWER', 'ROLE_SUPERVISION_OFFICE', 'ROLE_PLATFORM_OPERATOR'] },
  'Draws.AbandonDraw': { verb: 'POST', path: '/v1/{name=draws/*}:abandon', body: '*', roles: ['ROLE_REVIEWER'] },
  'Draws.ListDrawn': { verb: 'GET', path: '/v1/{parent=draws/*}/drawn' },
  'Draws.DownloadEvidence': { verb: 'GET', path: '/v1/{name=draws/*}/evidence' },
  'Draws.DownloadWithheld': { verb: 'GET', path: '/v1/{name=draws/*}/withheld', roles: ['ROLE_AUDITOR'] },
  'Draws.ReadEvents': { verb: 'GET', path: '/v1/events/draws', roles: ['ROLE_INTEGRATOR', 'ROLE_AUDITOR'] },
  'Visits.ListVisits': { verb: 'GET', path: '/v1/visits' },
  'Visits.GetVisit': { verb: 'GET', path: '/v1/{name=visits/*}' },
  'Recusals.CreateRecusal': { verb: 'POST', path: '/v1/recusals', body: 'recusal', roles: ['ROLE_OFFICER', 'ROLE_HANDLER'] },
  'Recusals.GetRecusal': { verb: 'GET', path: '/v1/{name=recusals/*}' },
  'Recusals.ListRecusals': { verb: 'GET', path: '/v1/recusals' },
  'Recusals.UpholdRecusal': { verb: 'POST', path: '/v1/{name=recusals/*}:uphold', body: '*', roles: ['ROLE_REVIEWER'] },
  'Recusals.RejectRecusal': { verb: 'POST', path: '/v1/{name=recusals/*}:reject', body: '*', roles: ['ROLE_REVIEWER'] },
  'Proofs.IssueProofCode': { verb: 'POST', path: '/v1/{draw=draws/*}/proofCodes', body: '*', roles: ['ROLE_HANDLER'] },
  'Proofs.ListProofCodes': { verb: 'GET', path: '/v1/{parent=draws/*}/proofCodes', roles: ['ROLE_HANDLER', 'ROLE_REVIEWER', 'ROLE_AUDITOR'] },
  'Proofs.RedeemProofCode': { verb: 'POST', path: '/v1/public/{draw=draws/*}:ownLine', body: '*' },
  'Witnesses.CreateWitnessLink': { verb: 'POST', path: '/v1/{draw=draws/*}:createWitnessLink', body: '*', roles: ['ROLE_HANDLER'] },
  'Witnesses.OpenWitnessLink': { verb: 'POST', path: '/v1/public/witness:open', body: '*' },
  'Witnesses.AddWitnessEntry': { verb: 'POST', path: '/v1/public/witness:addEntry', body: '*' },
  'Experts.ListExperts': { verb: 'GET', path: '/v1/{parent=organisations/*}/experts' },
  'Experts.GetExpert': { verb: 'GET', path: '/v1/{name=organisations/*/experts/*}', roles: ['ROLE_HANDLER', 'ROLE_REVIEWER', 'ROLE_AUDITOR'] },
  'Experts.CreateExpert': { verb: 'POST', path: '/v1/{parent=organisations/*}/experts', body: 'expert', roles: ['ROLE_HANDLER'] },
  'Experts.UpdateExpert': { verb: 'PATCH', path: '/v1/{expert.name=organisations/*/experts/*}', body: 'expert', roles: ['ROLE_HANDLER'] },
  'Experts.SetExpertState': { verb: 'POST', path: '/v1/{name=organisations/*/experts/*}:setState', body: '*', roles: ['ROLE_HANDLER'] },
  'Experts.ImportExperts': { verb: 'POST', path: '/v1/{parent=organisations/*}/experts:import', body: 'file', roles: ['ROLE_HANDLER'] },
  'Experts.ExportExperts': { verb: 'GET', path: '/v1/{parent=organisations/*}/experts:export', roles: ['ROLE_HANDLER', 'ROLE_AUDITOR'] },
  'People.CreateLeave': { verb: 'POST', path: '/v1/{parent=organisations/*}/leaves', body: 'leave', roles: ['ROLE_OFFICER', 'ROLE_HANDLER'] },
  'People.EndLeave': { verb: 'POST', path: '/v1/{name=organisations/*/leaves/*}:end', body: '*', roles: ['ROLE_OFFICER', 'ROLE_HANDLER'] },
  'People.GetLeave': { verb: 'GET', path: '/v1/{name=organisations/*/leaves/*}', roles: ['ROLE_OFFICER', 'ROLE_HANDLER', 'ROLE_REVIEWER', 'ROLE_AUDITOR'] },
  'People.ListLeaves': { verb: 'GET', path: '/v1/{parent=organisations/*}/leaves', roles: ['ROLE_OFFICER', 'ROLE_HANDLER', 'ROLE_REVIEWER', 'ROLE_AUDITOR'] },
  'People.CreateDeclaration': { verb: 'POST', path: '/v1/{parent=organisations/*}/declarations', body: 'declaration', roles: ['ROLE_OFFICER', 'ROLE_HANDLER'] },
  'People.ListDeclarations': { verb: 'GET', path: '/v1/{parent=organisations/*}/declarations', roles: ['ROLE_OFFICER', 'ROLE_HANDLER', 'ROLE_REVIEWER', 'ROLE_AUDITOR'] },
  'People.ListUndeclared': { verb: 'GET', path: '/v1/{parent=organisations/*}/declarations:missing', roles: ['ROLE_HANDLER', 'ROLE_REVIEWER', 'ROLE_AUDITOR'] },
  'People.GetOwnStanding': { verb: 'GET', path: '/v1/{parent=organisations/*}/officers:own', roles: ['ROLE_OFFICER'] },
  'People.RequestConflictLift': { verb: 'POST', path: '/v1/{name=organisations/*/conflicts/*}:requestLift', body: '*', roles: ['ROLE_OFFICER', 'ROLE_HANDLER'] },
  'People.LiftConflict': { verb: 'POST', path: '/v1/{name=organisations/*/conflicts/*}:lift', body: '*', roles: ['ROLE_REVIEWER'] },
  'People.RejectConflictLift': { verb: 'POST', path: '/v1/{name=organisations/*/conflicts/*}:rejectLift', body: '*', roles: ['ROLE_REVIEWER'] },
  'Uploads.CreateUpload': { verb: 'POST', path: '/v1/{parent=organisations/*}/uploads', body: 'upload', roles: ['ROLE_HANDLER', 'ROLE_INTEGRATOR'] },
  'Uploads.AppendUpload': { verb: 'PATCH', path: '/v1/{name=organisations/*/uploads/*}', body: 'file', roles: ['ROLE_HANDLER', 'ROLE_INTEGRATOR'] },
  'Uploads.GetUpload': { verb: 'GET', path: '/v1/{name=organisations/*/uploads/*}', roles: ['ROLE_HANDLER', 'ROLE_INTEGRATOR'] },
  'Uploads.DeleteUpload': { verb: 'DELETE', path: '/v1/{name=organisations/*/uploads/*}', roles: ['ROLE_HANDLER', 'ROLE_INTEGRATOR'] },
  'Portal.GetOverview': { verb: 'GET', path: '/v1/public/overview' },
  'Portal.Search': { verb: 'GET', path: '/v1/public/search' },
  'Portal.ListPlans': { verb: 'GET', path: '/v1/public/plans' },
  'Portal.GetPlan': { verb: 'GET', path: '/v1/public/{name=plans/*}' },
  'Portal.ListItems': { verb: 'GET', path: '/v1/public/items' },
  'Portal.GetItem': { verb: 'GET', path: '/v1/public/{name=organisations/*/items/*}' },
  'Portal.ListDraws': { verb: 'GET', path: '/v1/public/draws' },
  'Portal.GetFairness': { verb: 'GET', path: '/v1/public/fairness' },
  'Portal.GetDraw': { verb: 'GET', path: '/v1/public/{name=draws/*}' },
  'Portal.ListDrawn': { verb: 'GET', path: '/v1/public/{parent=draws/*}/drawn' },
  'Portal.LookUpSubject': { verb: 'GET', path: '/v1/public/{draw=draws/*}:lookUp' },
  'Portal.DownloadEvidence': { verb: 'GET', path: '/v1/public/{name=draws/*}/evidence' },
  'Portal.DownloadStatement': { verb: 'GET', path: '/v1/public/{name=draws/*}/statement' },
  'Portal.DownloadLog': { verb: 'GET', path: '/v1/public/{name=draws/*}/log' },
  'Portal.DownloadLogHead': { verb: 'GET', path: '/v1/public/{name=draws/*}/log/head' },
  'Portal.ListLog': { verb: 'GET', path: '/v1/public/{parent=draws/*}/log/lines' },
  'Portal.GetSigningKeys': { verb: 'GET', path: '/.well-known/jwks.json' },
  'Sessions.SignIn': { verb: 'POST', path: '/v1/session:signIn', body: '*' },
  'Sessions.BeginSignOn': { verb: 'POST', path: '/v1/session:beginSignOn', body: '*' },
  'Sessions.FinishSignOn': { verb: 'POST', path: '/v1/session:finishSignOn', body: '*' },
  'Sessions.GetSession': { verb: 'GET', path: '/v1/session' },
  'Sessions.SignOut': { verb: 'POST', path: '/v1/session:signOut', body: '*' },
};
