// What the page says: for every check its name and, in one sentence, what it proves.
import { type Message, say } from "./message.ts";
import type { CheckId, Verdict } from "./report.ts";

export const TITLES: Readonly<Record<CheckId, Message>> = {
  archive: say("证据包齐全", "The bundle is whole"),
  format: say("文件格式", "The files are well formed"),
  statement: say("抽查前的声明", "The statement made before"),
  digest: say("名单和规则未改动", "Pool and rules are unchanged"),
  commitment: say("秘密数未更换", "The secret was not changed"),
  merkle: say("名单的树根", "The tree over the pool"),
  subjects: say("名单的户数", "The number of subjects"),
  rules: say("抽查规则", "The rules of the draw"),
  entries: say("各方给出的数", "What the contributors gave"),
  beacon_signature: say("公共随机数的签名", "The beacon's signature"),
  seed: say("随机种子", "The seed"),
  strata: say("各层的数量和门槛", "Numbers and thresholds"),
  selection: say("抽中的对象", "The subjects drawn"),
  teams: say("检查人员", "The teams"),
  result_digest: say("结果文件未改动", "The result is unchanged"),
  time: say("时间先后", "The order of time"),
  signature: say("数字签名", "The signatures"),
  log_format: say("变动日志的格式", "The log is well formed"),
  log_chain: say("变动日志环环相扣", "The log's lines are chained"),
  log_act: say("每一次人员变动", "Every change of a team"),
  log_head: say("变动日志的签名", "The log's signature"),
};

export const PROVES: Readonly<Record<CheckId, Message>> = {
  archive: say("包里恰好是规定的文件，不多、不少、不重复。", "It holds exactly the files it must, none missing, added or repeated."),
  format: say("每个文件只有一种合法的写法，任何人读到的都一样。", "Each file can be written in one way only, so everybody reads the same."),
  statement: say("这份声明就是抽查之前公布的那一份，时间和计划都对得上。", "This is the statement the draw was bound to, and its times and plan agree."),
  digest: say("名单、人员、回避和规则，自声明以后一个字节也没有改。", "Pool, people, recusals and rules have not changed by a byte since they were stated."),
  commitment: say("秘密数在声明时就已锁定，看到别人的数以后没有换过。", "The secret was fixed in the statement, and not replaced after others gave their numbers."),
  merkle: say("企业凭一串摘要就能证明自己在名单里，凭据与声明一致。", "A firm can prove with a few hashes that it was in the pool; the tree is the one stated."),
  subjects: say("名单的户数与声明一致，没有一户既在名单里又被排除。", "The pool has as many subjects as stated, and nobody is both in it and left out."),
  rules: say("配额恰好覆盖每一层，参与人里有抽查单位以外的人。", "The quotas cover exactly the strata, and somebody outside the drawing unit took part."),
  entries: say("每个参与人恰好给了一个数，没有遗漏、添加或调换。", "Each contributor gave exactly one number: none dropped, added or reordered."),
  beacon_signature: say("公共随机数确实是 drand 这一轮的签名：由公开的密钥重新核对，没有第二个值能通过，录入的人无从选择。", "The beacon's value really is that round's signature by drand: checked under its public key, and no other value would pass, so whoever typed it had no choice."),
  seed: say("种子由声明、秘密数和各方的数算出，谁也不能单独决定。", "The seed follows from the statement, the secret and every entry; nobody alone decides it."),
  strata: say("每一层有多少户、抽多少户、门槛是多少，都已重算。", "How many are in each stratum, how many are drawn and the threshold were all recomputed."),
  selection: say("抽中的恰好是号最小的那些，一户不多，一户不少。", "Drawn are exactly those with the smallest tickets, not one too many or too few."),
  teams: say("谁去检查哪一户，也由种子重算得出，没有人为指派。", "Who inspects whom was recomputed from the seed, too; nobody was assigned by hand."),
  result_digest: say("公布的结果就是签名时的结果。", "The result published is the one that was signed."),
  time: say("先截止收数，再揭示，并且没有超过期限。", "It was revealed after entries were closed, and before the time ran out."),
  signature: say("声明、各方的数和结果都由公布的密钥签名，不能抵赖。", "Statement, entries and result are signed with the published key, and cannot be denied."),
  log_format: say("抽取之后的人员变动日志可以逐行读出。", "The log of what was changed since the draw can be read line by line."),
  log_chain: say("每一行都指明前一行，第一行指明抽取结果：没有一行能被删去、插入或改写。", "Each line names the one before it, the first the result: none can be dropped, inserted or rewritten."),
  log_act: say("谁接替谁由抽签的规则算出，没有人能挑选。", "Who comes for whom follows from the rules of the draw; nobody could choose."),
  log_head: say("日志到最后一行为止都已签名，没有人能把末尾去掉而不被发现。", "The log is signed up to its last line, so that nobody can cut its end off unseen."),
};

export const VERDICTS: Readonly<Record<Verdict, Message>> = {
  verified: say("复核通过：结果与事先公布的声明、规则和各方给出的数完全一致。", "Verified: the result follows from the statement, the rules and the entries, exactly."),
  partly: say("部分通过：能检查的都正确；下列标明“未检查”的，因文件依法不公开、缺少公钥或检查时间没有公布而无法检查。", "Verified in part: all that could be checked is right; what is marked “not checked” is withheld by law, or no key was given, or hangs on when visits were made."),
  not_verified: say("复核不通过：下列标明“不符”的地方对不上。", "Not verified: what is marked “wrong” below does not agree."),
  unreadable: say("证据包无法读取，不能作出判断。", "The bundle cannot be read, so nothing can be said."),
};

export const STATES = {
  true: say("通过", "passed"),
  false: say("不符", "wrong"),
  null: say("未检查", "not checked"),
} as const;

export const WORDS = {
  running: say("正在您的浏览器中复核……", "Checking in your browser..."),
  again: say("再复核一次", "Check again"),
  own: say("核对您自己保存的证据包", "Check a bundle you saved yourself"),
  ownFile: say("证据包文件（.tar.gz）", "The bundle (.tar.gz)"),
  addedFiles: say("依法不公开而您持有的文件（.tsv，可不选）", "Withheld files that you hold (.tsv, may be left empty)"),
  ownStart: say("复核所选文件", "Check the chosen file"),
  noFile: say("请先选择证据包文件。", "Choose the bundle first."),
  notes: say("请您自己核对", "For you to compare"),
  draw: say("抽查编号", "Draw"),
  otherDraw: say("复核不通过：网站给出的证据包属于另一次抽查，不是本页这一次。", "Not verified: the bundle that this site gave belongs to another draw than this page."),
  wouldProve: say("本项通过才能说明：", "Only if this passed would it show: "),
  noWorker: say("本浏览器不支持后台运算，请改用命令行程序或文档中的办法。", "This browser cannot run the check. Please use the command, or the recipe in the documentation."),
} as const;
