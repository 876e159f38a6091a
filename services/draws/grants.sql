-- registers: what was declared or decided is only added to.
grant select, insert, update, delete on organisation, officer, item to {role};
grant select, insert, update on subject, import to {role};
grant select, insert on subject_status, subject_version, conflict to {role};
grant select, insert, update on register_change to {role};
grant select, insert on register_change_row to {role};
grant update (outcome, note) on register_change_row to {role};
grant select, insert on expert_change to {role};
-- people
grant select, insert, update on expert to {role};
grant select, insert on person_key, expert_version, leave, leave_end, declaration, conflict_lift to {role};
grant update (state, decider, decided_at, reject_reason) on conflict_lift to {role};
-- plans
grant select, insert, update on plan_year, plan to {role};
grant select on class_setting, export_setting to {role};

-- draws: what was stated, given and revealed is only added to; of a draw itself only the state moves.
grant select, insert, update on draw_counter to {role};
grant select, insert on draw to {role};
grant update (state, revision, quarter, changed_by, changed_act, end_reason, dispatched) on draw to {role};
grant select, insert on draw_contributor, draw_statement, draw_left_out, draw_file, draw_stratum, draw_entry, draw_closing, draw_beacon_report,
    demonstration_issue, demonstration_value, draw_reveal_time, draw_reveal, draw_threshold, draw_result to {role};
-- visits
grant select, insert on visit to {role};
grant update (officers, experts, empty_places) on visit to {role};
-- recusals: a request is decided once; the log is only added to.
grant select, insert on recusal, recusal_line, visit_team to {role};
grant update (state, revision, decider, decided_at, reject_reason) on recusal to {role};
-- witnesses: links are only added, and opened once.
grant select, insert on witness_link, witness_opening to {role};
-- chains of draws: what was given teams and what was deferred is only added to.
grant select, insert on draw_team_subject, draw_deferred to {role};
-- proofs: codes are only added, and used once.
grant select, insert on proof_code, proof_use to {role};
-- caps: a version is decided once; visits are counted by the trigger of visit, in the name of whoever makes them.
grant select, insert on cap to {role};
grant update (state, revision, decider, decided_at, reject_reason) on cap to {role};
grant select, insert, update on visit_use to {role};
