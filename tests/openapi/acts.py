"""Who does what with success: for every operation a person or program who may, and values of the running city.

Each line of an act is a request. What it names is listed first, or was made by a line before it; so the acts stand in the order
of life. They begin in the demonstration city as `qingtian demo` leaves it, and in a department of their own."""

from city import Person, Refused, day, in_secs

MARKET, EMERGENCY, OWN = "organisations/market", "organisations/emergency", "organisations/contract"
FAR = {"pageSize": 1000}
VERIFIED = "核验居民身份证原件"


class Acts:
    """All of them. What one act makes and another needs is kept here."""

    def __init__(self, city):
        self.city = city
        self.anybody = city.anybody
        self.operator = city.sign_in("operator")
        self.auditor = city.sign_in("auditor")
        self.supervision = city.sign_in("supervision")
        self.handler = city.sign_in("market-handler")
        self.reviewer = city.sign_in("market-reviewer")
        self.officer = city.sign_in("market-officer-01")
        self.emergency_handler = city.sign_in("emergency-handler")
        self.emergency_reviewer = city.sign_in("emergency-reviewer")

    def perform(self):
        """Every act, in order."""
        # Two draws run while everything else is done.
        self.changes_that_wait()
        unannounced = self.unannounced_draw()
        self.items()
        self.register()
        lottery = self.draws()
        self.sessions_and_people()
        self.experts()
        self.officers()
        self.plans()
        self.after_a_draw()
        self.caps()
        self.uploads()
        self.events()
        self.public()
        self.calendars()
        self.numbers_are_typed(lottery)
        self.what_is_withheld(unannounced)

    # ---- people (art. 3, 5, 22, 27) -------------------------------------------------------------------------------

    def sessions_and_people(self):
        anybody, operator = self.anybody, self.operator
        anybody.get("/v1/session")
        operator.get("/v1/organisations", **FAR)
        department = {
            "title": "开封市契约演练局", "titleEn": "Contract Bureau", "kind": "ORGANISATION_KIND_DEPARTMENT",
            "district": "410200", "responsible": "局长", "enforcing": True,
        }
        operator.post("/v1/organisations", department, organisationId="contract")
        admin = self.registered(operator, "contract-admin", "ROLE_DEPARTMENT_ADMIN")
        # Whoever administers a department of his own can freeze nobody whom other acts need.
        clerk = admin.post("/v1/users", {"user": user("contract-clerk", "ROLE_HANDLER"), "verification": VERIFIED})
        name = clerk["user"]["name"]
        admin.get("/v1/users", **FAR)
        frozen = admin.post(f"/v1/{name}:freeze", {"etag": admin.get(f"/v1/{name}")["etag"], "reason": "离岗"})
        admin.post(f"/v1/{name}:unfreeze", {"etag": frozen["etag"]})
        officer = admin.post("/v1/users", {"user": {**user("contract-officer", "ROLE_OFFICER"), "certificate": certificate()}, "verification": VERIFIED})
        renewed = {**certificate(), "expireDate": "2032-12-31"}
        change = {"certificate": renewed, "etag": officer["user"]["etag"], "reason": "换证"}
        admin.post(f"/v1/{officer['user']['name']}:setCertificate", change)
        account = {"subject": "contract-1", "issuer": "https://id.example"}
        link = admin.post(f"/v1/{name}/signOnLinks", account)
        admin.get(f"/v1/{name}/signOnLinks")
        admin.delete(f"/v1/{link['name']}")
        self.accounts(admin, name)
        signed_in = self.city.sign_in("contract-clerk", clerk["password"])
        signed_in.get("/v1/me")
        new = "Contract-2026-契约"
        signed_in.post("/v1/me:changePassword", {"oldPassword": clerk["password"], "newPassword": new})
        leaver = self.registered(admin, "contract-leaver", "ROLE_HANDLER")
        leaver.post("/v1/session:signOut")
        self.city.passwords["contract-clerk"] = new
        operator.get("/v1/me")
        self.machine_clients(admin)

    def accounts(self, admin, successor):
        """Somebody registered, verified, given another role, succeeded and closed."""
        made = admin.post("/v1/users", {"user": user("contract-passing", "ROLE_HANDLER")})["user"]
        name = f"/v1/{made['name']}"
        verified = admin.post(f"{name}:verify", {"verification": VERIFIED, "etag": made["etag"]})
        change = {"roles": ["ROLE_REVIEWER"], "reason": "岗位调整", "etag": verified["etag"]}
        changed = admin.post(f"{name}:setRoles", change)
        leaving = {"successor": successor, "reason": "岗位轮换", "etag": changed["etag"]}
        handed = admin.post(f"{name}:handOverDuties", leaving)
        admin.post(f"{name}:close", {**leaving, "etag": handed["etag"]})
        admin.get(f"{name}/acts")

    def machine_clients(self, admin):
        client = admin.post("/v1/machineClients", {"title": "契约演练系统"})
        name = f"/v1/{client['name']}"
        issued = self.anybody.post("/v1/token:issue", {"client": client["name"], "secret": client["secret"]})
        program = Person(self.city, client["name"], {"authorization": f"Bearer {issued['token']}"})
        program.get(f"/v1/{OWN}/subjects")
        admin.get("/v1/machineClients")
        read = admin.get(name)
        rotated = admin.post(f"{name}:rotate", {"etag": read["etag"], "overlapHours": 1})
        # A secret that nobody used yet may have been lost on the way; the one of before ends only after it was used.
        self.anybody.post("/v1/token:issue", {"client": client["name"], "secret": rotated["secret"]})
        ended = admin.post(f"{name}:endOldSecret", {"etag": rotated["client"]["etag"]})
        frozen = admin.post(f"{name}:freeze", {"etag": ended["etag"], "reason": "系统检修"})
        back = admin.post(f"{name}:unfreeze", {"etag": frozen["etag"]})
        admin.post(f"{name}:retire", {"etag": back["etag"], "reason": "系统下线"})

    def registered(self, by, username, role):
        made = by.post("/v1/users", {"user": user(username, role), "verification": VERIFIED})
        self.city.passwords[username] = made["password"]
        return self.city.sign_in(username)

    # ---- items (art. 6-9, 12) -------------------------------------------------------------------------------------

    def items(self):
        handler = self.handler
        table = "编号,抽查事项名称,抽查依据,抽查方式\n901,契约演练事项,《企业信息公示暂行条例》,现场检查\n902,无依据事项,,现场检查\n"
        query = {"fileName": "契约事项.csv", "randomListed": "true", "deriveChecklist": "true"}
        handler.upload(f"/v1/{MARKET}/items:import", table, **query)
        imports = handler.get(f"/v1/{MARKET}/itemImports")["imports"]
        handler.download(f"/v1/{imports[0]['name']}:report")
        item = {
            "code": "903", "title": "契约演练事项之三", "legalBasis": "《中华人民共和国价格法》", "randomListed": True,
            "grade": "ITEM_GRADE_GENERAL", "checklist": [{"content": "明码标价", "method": "现场检查"}],
            "leader": "赵立新", "undertakingUnit": "价格科", "handler": "孙晓",
        }
        made = handler.post(f"/v1/{MARKET}/items", item)
        read = handler.get(f"/v1/{made['name']}")
        handler.patch(f"/v1/{made['name']}", {**read, "frequency": "每年1次"})
        self.reviewer.post(f"/v1/{MARKET}/items:publish", {"names": [made["name"]]})
        items = handler.get(f"/v1/{MARKET}/items", state="ITEM_STATE_PUBLISHED", **FAR)["items"]
        self.item = items[0]["name"]
        self.versions(made["name"])

    def versions(self, name):
        """A version and a second one; a revision given up; an item retired."""
        handler = self.handler

        def revise():
            return handler.post(f"/v1/{name}:revise", {"etag": handler.get(f"/v1/{name}")["etag"], "reason": "依据修订"})

        revised = revise()
        handler.patch(f"/v1/{name}", {**revised, "ratio": "5%"})
        handler.get(f"/v1/{name}:compare")
        self.reviewer.post(f"/v1/{MARKET}/items:publish", {"names": [name]})
        versions = handler.get(f"/v1/{name}/versions")["versions"]
        handler.get(f"/v1/{versions[0]['name']}")
        revise()
        handler.post(f"/v1/{name}:withdrawRevision", {"etag": handler.get(f"/v1/{name}")["etag"]})
        ended = handler.post(f"/v1/{MARKET}/items", {
            "code": "906", "title": "契约演练事项之六", "legalBasis": "《中华人民共和国价格法》", "checklist": [{"content": "明码标价"}],
            "leader": "赵立新", "undertakingUnit": "价格科", "handler": "孙晓",
        })["name"]
        self.reviewer.post(f"/v1/{MARKET}/items:publish", {"names": [ended]})
        revised = handler.post(f"/v1/{ended}:revise", {"etag": handler.get(f"/v1/{ended}")["etag"], "reason": "依据废止"})
        self.reviewer.post(f"/v1/{ended}:retire", {"etag": revised["etag"], "reason": "依据废止，不再实施"})

    # ---- files in pieces (art. 24) --------------------------------------------------------------------------------

    def caps(self):
        """Of the year after, so that nobody is left out of this year's draws."""
        handler, reviewer, year = self.handler, self.reviewer, int(day(0)[:4]) + 1
        for act, more in (("publish", {}), ("reject", {"reason": "次数偏多"})):
            cap = {"year": year, "limits": [{"subjectClass": "*", "visits": 366}], "basis": "契约演练", "effectiveDate": f"{year}-01-01"}
            made = handler.post(f"/v1/{MARKET}/caps", cap)
            reviewer.post(f"/v1/{made['name']}:{act}", {"etag": made["etag"], **more})
        handler.get(f"/v1/{made['name']}")
        handler.get(f"/v1/{MARKET}/caps")
        self.anybody.get("/v1/public/caps", year=year)
        self.anybody.download("/v1/public/caps:csv")

    def uploads(self):
        """One goes in, in two pieces; one is given up."""
        experts = "专家编号,姓名,工作单位\nQY-ZJ-003,李想,河南大学\n"
        items = "编号,抽查事项名称,抽查依据,抽查方式\n904,续传事项,《中华人民共和国价格法》,现场检查\n"
        for collection, goes_in, file in (("uploads", "experts:import", experts), ("itemUploads", "items:import", items)):
            handler, half = self.handler, len(file) // 2
            announced = {"fileName": "续传.csv", "length": str(len(file.encode()))}
            upload = handler.post(f"/v1/{MARKET}/{collection}", announced)
            begun = handler.piece(f"/v1/{upload['name']}", file[:half], offset=0)
            handler.piece(f"/v1/{upload['name']}", file[half:], offset=begun["offset"])
            handler.get(f"/v1/{upload['name']}")
            handler.upload(f"/v1/{MARKET}/{goes_in}", "", upload=upload["name"])
            handler.delete(f"/v1/{handler.post(f'/v1/{MARKET}/{collection}', announced)['name']}")

    # ---- the register of subjects (art. 13) -----------------------------------------------------------------------

    def register(self):
        handler = self.handler
        query = {"fileName": "契约名录.csv", "defaultDistrict": "410202", "columns": ["key=编号", "title=名称"]}
        table = "编号,名称\n" + "".join(f"site:contract-{nth},契约演练点{nth}号\n" for nth in range(1, 31)) + "坏行,坏\n"
        handler.upload(f"/v1/{MARKET}/subjects:import", table, **query)
        rows = [{"key": f"site:contract-{nth}", "title": f"契约演练点{nth}号"} for nth in range(31, 34)]
        handler.lines(f"/v1/{MARKET}/subjects:importRows", rows, fileName="契约名录", defaultDistrict="410202")
        imported = handler.get(f"/v1/{MARKET}/imports", query="契约名录.csv")["imports"][0]
        handler.get(f"/v1/{imported['name']}")
        handler.download(f"/v1/{imported['name']}:report")
        subjects = handler.get(f"/v1/{MARKET}/subjects", query="site:contract", **FAR)["subjects"]
        handler.download(f"/v1/{MARKET}/subjects:export", query="site:contract")
        subject = handler.get(f"/v1/{subjects[0]['name']}")
        change = {"status": "SUBJECT_STATUS_SUSPENDED", "reason": "歇业备案", "etag": subject["etag"]}
        handler.post(f"/v1/{subject['name']}:setStatus", change)
        handler.get(f"/v1/{subject['name']}/versions")
        chosen = {"subjects": [{"key": subjects[1]["key"]}], "district": "410203", "reason": "迁址"}
        change = handler.post(f"/v1/{MARKET}/subjects:change", chosen)
        handler.get(f"/v1/{MARKET}/registerChanges")
        handler.get(f"/v1/{change['name']}")
        handler.get(f"/v1/{change['name']}/rows")
        self.subject = subjects[2]

    def changes_that_wait(self):
        """A plan of the emergency bureau is published and not drawn yet: changes wait for a second person. One does already."""
        handler, reviewer = self.emergency_handler, self.emergency_reviewer
        pending = "REGISTER_CHANGE_STATE_PENDING"
        change = handler.get(f"/v1/{EMERGENCY}/registerChanges", state=pending)["changes"][0]
        reviewer.post(f"/v1/{change['name']}:approve", {"etag": change["etag"], "reason": "情况属实"})
        subjects = handler.get(f"/v1/{EMERGENCY}/subjects", statuses=["SUBJECT_STATUS_IN_BUSINESS"])["subjects"]
        asked = {"subjects": [{"key": subjects[-1]["key"]}], "status": "SUBJECT_STATUS_SUSPENDED", "reason": "停产检修"}
        change = handler.post(f"/v1/{EMERGENCY}/subjects:change", asked)
        reviewer.post(f"/v1/{change['name']}:reject", {"etag": change["etag"], "reason": "未见停产公告"})

    # ---- experts (art. 13, 15) ------------------------------------------------------------------------------------

    def experts(self):
        handler = self.handler
        expert = {"key": "QY-ZJ-001", "realName": "赵明", "employer": "河南大学", "districts": ["410202"]}
        made = handler.post(f"/v1/{MARKET}/experts", expert)
        handler.get(f"/v1/{MARKET}/experts", **FAR)
        whole = handler.for_purpose().get(f"/v1/{made['name']}")
        changed = handler.patch(f"/v1/{made['name']}", {**whole, "employer": "开封大学"})
        retired = {"state": "EXPERT_STATE_RETIRED", "reason": "本人申请", "etag": changed["etag"]}
        retired = handler.post(f"/v1/{made['name']}:setState", retired)
        back = {"state": "EXPERT_STATE_ACTIVE", "reason": "重新聘用", "etag": retired["etag"]}
        handler.post(f"/v1/{made['name']}:setState", back)
        table = "专家编号,姓名,工作单位\nQY-ZJ-002,钱进,黄河水利职业技术学院\n坏 编号,孙权,河南大学\n"
        handler.upload(f"/v1/{MARKET}/experts:import", table)
        handler.for_purpose().download(f"/v1/{MARKET}/experts:export", query="QY-ZJ")
        declaration = {"person": "QY-ZJ-001", "expert": True, "year": int(day(0)[:4])}
        handler.post(f"/v1/{MARKET}/declarations", declaration, none="true")

    # ---- officers: leave, interests, conflicts (art. 13, 16) ------------------------------------------------------

    def officers(self):
        handler, reviewer, officer = self.handler, self.reviewer, self.officer
        handler.get(f"/v1/{MARKET}/officers", **FAR)
        own = officer.get(f"/v1/{MARKET}/officers:own")["officer"]["key"]
        leave = {"officer": own, "firstDay": day(30), "lastDay": day(33), "kind": "LEAVE_KIND_ANNUAL", "reason": "年休假"}
        leave = officer.post(f"/v1/{MARKET}/leaves", leave)
        officer.get(f"/v1/{MARKET}/leaves")
        read = officer.for_purpose().get(f"/v1/{leave['name']}")
        officer.post(f"/v1/{leave['name']}:end", {"lastDay": day(31), "etag": read["etag"]})
        handler.get(f"/v1/{MARKET}/declarations")
        handler.get(f"/v1/{MARKET}/declarations:missing")
        conflict = {"officer": own, "subject": self.subject["key"], "reason": "亲属在该处任职"}
        made = officer.post(f"/v1/{MARKET}/conflicts", conflict)
        asked = officer.post(f"/v1/{made['name']}:requestLift", {"reason": "亲属已离职", "etag": made["etag"]})
        rejected = reviewer.post(f"/v1/{made['name']}:rejectLift", {"reason": "请附离职证明", "etag": asked["etag"]})
        asked = officer.post(f"/v1/{made['name']}:requestLift", {"reason": "已附离职证明", "etag": rejected["etag"]})
        reviewer.post(f"/v1/{made['name']}:lift", {"etag": asked["etag"]})
        handler.get(f"/v1/{MARKET}/conflicts")

    # ---- plans (art. 9, 14) ---------------------------------------------------------------------------------------

    def plan(self, title):
        """A plan of the market bureau that has been published."""
        drafted = self.handler.post("/v1/plans", draft(title, self.item))
        plan = f"/v1/{drafted['name']}"
        # Draws learns of published items by following catalog.
        submitted = self.handler.until("the items", lambda by: by.post(f"{plan}:submit", {"etag": drafted["etag"]}))
        self.reviewer.post(f"{plan}:publish", {"etag": submitted["etag"]})
        return drafted["name"]

    def plans(self):
        handler, reviewer = self.handler, self.reviewer
        drafted = handler.post("/v1/plans", draft("契约演练：退回的计划", self.item))
        plan = f"/v1/{drafted['name']}"
        changed = handler.patch(plan, {**handler.get(plan), "frequency": "每年2次"})
        handler.get(f"{plan}:preview")
        submitted = handler.until("the items", lambda by: by.post(f"{plan}:submit", {"etag": changed["etag"]}))
        reviewer.post(f"{plan}:return", {"etag": submitted["etag"], "reason": "频次请再核实"})
        handler.get("/v1/plans")

    # ---- draws (art. 10, 11, 15) ----------------------------------------------------------------------------------

    def stated(self, by, plan, contributors, open_secs):
        """A draw that has been stated."""
        draw = {
            "plan": plan, "contributors": contributors, "entriesClose": in_secs(open_secs),
            "beaconTime": in_secs(open_secs + 1), "revealBy": in_secs(open_secs + 3_600),
        }
        made = by.post("/v1/draws", draw)
        return by.until("the officers", lambda by: by.post(f"/v1/{made['name']}:state", {"etag": made["etag"]}))

    def unannounced_draw(self):
        """A draw with a witness, over a plan that withholds its register; who was drawn is told later. Answers its name."""
        handler = self.emergency_handler
        plan = handler.get("/v1/plans", state="PLAN_STATE_PUBLISHED")["plans"][0]["name"]
        witness = {"contributor": "notary-li", "kind": "CONTRIBUTOR_KIND_WITNESS", "unit": "supervision"}
        draw = self.stated(handler, plan, [department("emergency"), witness, beacon("lottery:demo:0")], self.open_secs)
        name = draw["name"]
        link = handler.post(f"/v1/{name}:createWitnessLink", {"contributor": "notary-li"})
        opened = self.anybody.post("/v1/public/witness:open", {"token": link["path"].partition("#")[2]})
        given = {"permit": opened["permit"], "statement": draw["statement"], "value": "6 1 3 3 2 4"}
        self.anybody.post("/v1/public/witness:addEntry", given)
        handler.post(f"/v1/{name}:addEntry", {"value": "4 2 6 1 3 5", "statement": draw["statement"]})
        return name

    # Seconds for a handful of small requests; nothing waits for their end but what comes last.
    open_secs = 40

    def draws(self):
        """One is abandoned; one has a lottery that people type. Answers its name."""
        handler, reviewer, supervision = self.handler, self.reviewer, self.supervision
        own, others = department("market"), department("supervision")
        demonstration = beacon("lottery:demo:0")
        given_up = self.stated(handler, self.plan("契约演练：放弃的抽签"), [own, others, demonstration], 3_600)
        why = {"etag": given_up["etag"], "reason": "名录有误，更正后重新抽取"}
        reviewer.post(f"/v1/{given_up['name']}:abandon", why)
        # A demonstration asks for no real issue; who typed its numbers is checked all the same.
        lottery = beacon("lottery:ssq:2026001")
        draw = self.stated(handler, self.plan("契约演练：双色球"), [own, others, lottery], self.open_secs)
        for by, dice in [(handler, "1 2 3 4 5 6"), (supervision, "6 5 4 3 2 1")]:
            by.post(f"/v1/{draw['name']}:addEntry", {"value": dice, "statement": draw["statement"]})
        handler.get("/v1/draws")
        return draw["name"]

    def numbers_are_typed(self, draw):
        """By two accounts, one of them outside the drawing unit, as soon as the issue was drawn."""
        report = {"value": "01 02 03 04 05 06 07"}
        for by in (self.handler, self.supervision):
            by.until("the numbers", lambda by: by.post(f"/v1/{draw}:reportBeacon", report))

    def what_is_withheld(self, name):
        """Of the draw that was begun first."""
        revealed = ("DRAW_STATE_REVEALED", "DRAW_STATE_DISPATCHED")
        handler = self.emergency_handler
        handler.until("the reveal", lambda by: by.get(f"/v1/{name}")["state"] in revealed)
        handler.download(f"/v1/{name}/evidence")
        self.auditor.for_purpose().download(f"/v1/{name}/withheld")

    # ---- after a draw (art. 10, 16) -------------------------------------------------------------------------------

    def after_a_draw(self):
        """Over the draw of the demonstration."""
        handler, reviewer, anybody = self.handler, self.reviewer, self.anybody
        draws = handler.get("/v1/draws", state="DRAW_STATE_DISPATCHED")["draws"]
        self.draw = draw = draws[0]["name"]
        handler.get(f"/v1/{draw}")
        drawn = handler.get(f"/v1/{draw}/drawn")["drawn"]
        visits = handler.get("/v1/visits", draw=draw)["visits"]
        handler.get(f"/v1/{visits[0]['name']}")
        for visit, decision in zip(visits, ("uphold", "reject")):
            asked = {"draw": draw, "subject": visit["subject"], "person": visit["officers"][0], "note": "亲属任职"}
            recusal = handler.post("/v1/recusals", {**asked, "ground": "RECUSAL_GROUND_KINSHIP"})
            handler.get(f"/v1/{recusal['name']}")
            how = {"uphold": {"act": "RECUSAL_ACT_WITHDRAW"}, "reject": {"reason": "并非亲属"}}[decision]
            reviewer.post(f"/v1/{recusal['name']}:{decision}", {**how, "etag": recusal["etag"]})
        handler.get("/v1/recusals")
        code = handler.post(f"/v1/{draw}/proofCodes", {"subject": drawn[0]["subject"]})
        handler.get(f"/v1/{draw}/proofCodes")
        anybody.post(f"/v1/public/{draw}:ownLine", {"code": code["code"]})

    # ---- what happened, for those who follow (art. 22) ------------------------------------------------------------

    def events(self):
        for part, kind in (("identity", "OfficerChanged"), ("catalog", "ItemsPublished"), ("draws", "DrawStated")):
            self.auditor.download(f"/v1/events/{part}", types=[f"qingtian.{part}.events.v1.{kind}"])
            self.auditor.first_of_stream(f"/v1/events/{part}", follow="true")

    # ---- what everybody may see (art. 9, 10, 18, 26, 33) ----------------------------------------------------------

    # ---- deadlines (art. 18, 31) ----------------------------------------------------------------------------------

    def calendars(self):
        """A year's calendar sent back and put in force by a second person; the clocks of a department."""
        header = "year,holiday,first,last,make_up,basis"
        content = f"{header}\n2028,元旦,2028-01-01,2028-01-03,,契约演练一号\n"
        for verb, more in (("reject", {"reason": "放假天数有误"}), ("approve", {})):
            entered = self.operator.post("/v1/calendars:import", {"content": content})
            self.supervision.post(f"/v1/{entered['name']}:{verb}", {"etag": entered["etag"], **more})
        listed = self.handler.get("/v1/calendars", query="2028")["calendars"]
        self.handler.get(f"/v1/{listed[0]['name']}")
        self.claims()
        self.handler.get(f"/v1/{MARKET}/catalogClocks")
        self.handler.get(f"/v1/{MARKET}/drawsClocks")

    def claims(self):
        """Items handed down, one claimed, one declined and ruled on (art. 6)."""
        coordinator = self.registered(self.operator, "contract-coordinator", "ROLE_COORDINATOR")
        clerk = self.city.sign_in("contract-clerk")
        items = [{"code": f"4102000000000{nth}", "title": f"契约演练下发事项{nth}"} for nth in (1, 2)]
        coordinator.post("/v1/claims:issue", {"items": items, "organisations": [OWN], "level": "ITEM_LEVEL_PROVINCE"})
        first, second = clerk.get(f"/v1/{OWN}/claims", orderBy="code")["claims"]
        clerk.get(f"/v1/{first['name']}")
        clerk.post(f"/v1/{OWN}/claims:claim", {"names": [first["name"]]})
        declined = clerk.post(f"/v1/{second['name']}:decline", {"reason": "不属本部门职责", "etag": second["etag"]})
        ruling = {"ordered": True, "reason": "按职责分工", "etag": declined["etag"]}
        coordinator.post(f"/v1/{second['name']}:rule", ruling)

    def public(self):
        anybody, draw = self.anybody, self.draw
        anybody.get("/v1/public/overview")
        anybody.get("/v1/public/workdays:due", start="2026-09-25", days=10)
        anybody.get("/v1/public/search", query="检查")
        plans = anybody.get("/v1/public/plans")["plans"]
        anybody.get(f"/v1/public/{plans[0]['plan']['name']}")
        items = anybody.get("/v1/public/items")["items"]
        anybody.get(f"/v1/public/{items[0]['name']}")
        anybody.get("/v1/public/draws")
        anybody.get("/v1/public/fairness")
        # The portal learns of the line in the log by following draws.
        anybody.until("the log", lambda by: int(by.get(f"/v1/public/{draw}").get("logLines", 0)) > 0)
        drawn = anybody.get(f"/v1/public/{draw}/drawn")["drawn"]
        anybody.get(f"/v1/public/{draw}:lookUp", subject=drawn[0]["subject"])
        for file in ("evidence", "statement", "log", "log/head"):
            anybody.download(f"/v1/public/{draw}/{file}")
        anybody.get(f"/v1/public/{draw}/log/lines")
        anybody.get("/.well-known/jwks.json")


def user(username, role):
    return {"username": username, "realName": "石磊", "organisation": OWN, "roles": [role]}


def certificate():
    return {"number": "contract-0001", "expireDate": "2031-12-31", "districts": ["410202"]}


def draft(title, item):
    year = int(day(0)[:4])
    return {
        "organisation": MARKET, "title": title, "year": year, "kind": "PLAN_KIND_SPECIAL", "items": [item],
        "districts": ["410202"], "stratification": "STRATIFICATION_DISTRICT", "quotas": [{"stratum": "*", "count": "2"}],
        "teams": [{"organisation": MARKET, "size": 2}], "coverDistrict": True, "startDate": f"{year}-01-01",
        "endDate": f"{year + 1}-12-31", "method": "现场检查", "frequency": "每年1次",
        # Draw after draw over the same firms, in one quarter (art. 17).
        "secondVisitReason": "契约演练",
    }


def department(unit):
    return {"contributor": unit, "kind": "CONTRIBUTOR_KIND_DEPARTMENT", "unit": unit}


def beacon(contributor):
    return {"contributor": contributor, "kind": "CONTRIBUTOR_KIND_BEACON"}
