// One-time codes for a firm's own line of a draw (art. 10).
import type { Texts } from '../lang';

export const proofs = {
  'proofs.title': ['本户凭证查询码', 'Codes for own lines'],
  'proofs.lead': ['企业凭一次性查询码取得自己在这次抽签中的原始记录和证明。名单依法不公开时，这是企业核对自己的唯一途径；名单公开的，也可以直接查询。', 'With a one-time code a firm gets its own line of this draw with its proof. Where the register is withheld this is its only way to check; where it is public, a firm may look itself up as well.'],
  'proofs.back': ['回到抽签', 'Back to the draw'],
  'proofs.issue': ['发放查询码', 'Issue a code'],
  'proofs.issueHint': ['请先核对来人的身份和企业证件。同一企业以前发放、未用的查询码随即作废。查询码只显示这一次，系统不保存。', 'Check who asks, and the firm’s papers, first. An unused code issued to the firm before ceases. The code is shown this once; the system does not keep it.'],
  'proofs.subject': ['企业', 'Firm'],
  'proofs.number': ['序号', 'No.'],
  'proofs.code': ['一次性查询码', 'One-time code'],
  'proofs.issued': ['发放时间', 'Issued'],
  'proofs.expires': ['有效期至', 'Valid until'],
  'proofs.used': ['使用时间', 'Used'],
  'proofs.none': ['还没有发放过查询码。', 'No code was issued yet.'],
  'proofs.state.PROOF_CODE_STATE_UNSPECIFIED': ['未知', 'Unknown'],
  'proofs.state.PROOF_CODE_STATE_ISSUED': ['未用', 'Not used'],
  'proofs.state.PROOF_CODE_STATE_USED': ['已用', 'Used'],
  'proofs.state.PROOF_CODE_STATE_REVOKED': ['已作废', 'Ceased'],
  'proofs.state.PROOF_CODE_STATE_EXPIRED': ['已过期', 'Expired'],
  'proofs.slip': ['本户凭证查询码', 'Code for your own line'],
  'proofs.slipText': ['凭下面的一次性查询码，可以取得贵单位在{organisation}抽查 {number} 中的原始记录和证明：是否入池、在哪一层、号和门槛、是否抽中。', 'With the one-time code below you get your own line in draw {number} of {organisation}, with its proof: in the pool or not, under which quota, its ticket and threshold, drawn or not.'],
  'proofs.slipWhere': ['打开下面的地址（或扫描方块），输入查询码。地址里没有查询码，请勿把查询码告诉他人。', 'Open this address (or scan the square) and type the code. The code is not part of the address; tell it to nobody.'],
  'proofs.slipUntil': ['只能使用一次，有效期至 {until}。用后请打印或保存结果；遗失的，请向我单位重新领取，原查询码随即作废。', 'It works once, until {until}. Print or save what it shows. If you lose the slip, ask us for a new one; this code then ceases.'],
  'proofs.print': ['打印凭条', 'Print the slip'],
  'proofs.handed': ['已交付，关闭', 'Handed over, close'],
} as const satisfies Texts;
