"""All Chinese wording of the pages in one place: labels, sentences for errors and rules, times, notices.

Codes that carry a Chinese term (`dispatch.model`, `dispatch.errors.Rule`, the actions) are worded by it; everything
else that people read is here. Nothing here decides or reads anything; moments come in aware and leave in local time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

from dispatch.actions import ACTIONS
from dispatch.errors import BadAction, IllegalAction, NoSuchPart, NotYours, Rule, RuleBroken
from dispatch.model import Caution, ClockKind, Role, Term, TicketState
from dispatch.reckoning import TurnKind
from dispatch.routing import Doubt, Ground
from dispatch.worktime import ZONE, Allowance, Unit
from hotline.auth import BadLogin, TooManyTries
from hotline.errors import (
    BadCode,
    BadInput,
    BadSignature,
    CallTaken,
    DoubtfulReply,
    Forbidden,
    NotFound,
    NotInBulk,
    StaleTicket,
    TooManyRequests,
    Unavailable,
)

# --- what templates print ---------------------------------------------------------------------------------------------

W = SimpleNamespace(
    hotline="12345热线",
    system="12345政务服务便民热线",
    skip="跳到正文",
    menu="主菜单",
    search="搜索",
    search_hint="单号、电话或词语",
    log_in="登录",
    log_out="退出",
    person="用户名",
    password="密码",  # noqa: S106 - the label of the field
    log_in_hint="请使用管理员发给您的账号。",
    intake="登记",
    intake_title="来电登记",
    queue="工单队列",
    department="承办工单",
    follow_up="回访",
    follow_up_title="待回访工单",
    more="下一页",
    first_page="回到第一页",
    nothing="这里现在没有工单。",
    nothing_found="没有找到符合的工单。",
    no_requests="没有等待审批的申请。",
    board="工单列表",
    col_lamp="时限",
    col_number="单号",
    col_title="标题",
    col_type="类型",
    col_area="区域",
    col_category="分类",
    col_state="状态",
    col_received="受理时间",
    col_request="申请",
    col_asked="申请时间",
    col_unit="承办单位",
    open_count="在办",
    late_count="已超时",
    notices="最新提醒",
    no_notices="没有提醒。",
    notices_link="提醒",
    labels_link="标注",
    labels_title="待标注工单",
    labels_hint="这些工单的正确分类对模型帮助最大，点一下即可；标注人和时间会留痕，工单本身不变。",
    labels_other="其他分类",
    labels_keep="保存",
    no_labels="现在没有需要标注的工单。",
    lessons_title="最近的学习结果",
    no_lessons="还没有学习记录。",
    notices_title="提醒",
    notices_new="条您还没有看过",
    notices_mark="全部标为已看",
    notice_unseen="本单位尚无人看过",
    live_new="有 {n} 条新提醒",
    live_lost="与服务器的连接断开了，页面内容可能不是最新的。",
    live_back="连接断开过，断开期间可能有变化。",
    live_moved="这张工单刚刚有了新变化。",
    live_over="登录已失效，请重新登录。",
    reload="刷新页面",
    requests_tab="待审批申请",
    said="诉求内容",
    original_kept="原文中的电话、证件或车牌号码已隐去，原文加密保存，可在诉求人处说明事由后查看。",
    original_text="诉求原文",
    callers="诉求人",
    withheld="诉求人信息受保护，不予显示",
    no_name="未留姓名",
    no_phone="未留电话",
    no_address="未留地址",
    unmask="查看完整信息",
    unmask_reason="查看事由",
    unmask_hint="每次查看都会留痕，事由至少四个字。",
    unmasked="以上为完整信息，仅本次显示；查看已留痕。",
    deadlines="时限",
    stopped_deadlines="已停止的时限",
    no_deadlines="没有正在计时的时限。",
    provisional="暂定",
    provisional_hint="所涉年份的节假日安排尚未公布，时限暂定",
    started="起算",
    due="到期",
    assignments="承办",
    not_sent="尚未派出。",
    sent="派出",
    accepted="签收",
    contacted="联系",
    replied="答复",
    promised="承诺",
    requests="申请",
    why_sent="派单依据",
    candidates="可能的承办单位",
    fill="填入派单",
    probability="把握",
    path="流转记录",
    older="更早的记录",
    merged="并入本单的工单",
    merged_into="本单已并入",
    actions="可以办理",
    no_actions="您现在没有可以对此工单做的操作。",
    required="必填",
    choose="请选择",
    yes="是",
    no="否",
    add_caller="增加诉求人",
    add_caller_hint="同一件事又有人来电：并入本单，单独回访。",
    stale_title="工单已有新进展",
    stale="您打开页面之后，这张工单又有了下面的变化。您的操作没有执行，填写的内容都在，请看过新情况再决定。",
    resume="带着已填内容打开最新页面",
    fresh="打开最新页面",
    kept="您填写的内容",
    retry="再试一次",
    back_home="回到首页",
    phone="来电号码",
    lookup="查询",
    earlier="此号码的工单",
    earlier_hint="输入号码后，这里显示此号码以往的工单。",
    no_earlier="此号码没有以往的工单。",
    sealed="保密工单",
    group_call="来电人",
    group_matter="诉求",
    group_kind="归类",
    save_ticket="登记工单",
    answer_now="当场答复（选填）",
    answer_now_hint="能当场答复的，在这里写下答复内容：登记后即办结，不再派单。",
    by_words="含有这些词的工单",
    by_phone="此号码的工单",
    phone_by_form="电话号码请在搜索框里输入后点“搜索”，不要放在网址里。",
    visit_answer="承办单位的答复",
    to_ticket="查看工单全貌",
    error="出错了",
    form_errors="没有保存，请看下面标出的地方。",
    deadline_cards="时限卡",
    order_remark="核查意见",
    exemption="容错",
    exemption_answer="认定意见",
    resumed="恢复计时",
    told="已告知诉求人",
    lamp_red="已超时",
    lamp_yellow="快到期",
    lamp_green="时限充足",
    lamp_none="不计时",
    rulebook="规则版本",
    category_fixed="派单时确定分类",
    label_gap="：",
    decision="审批",
    ask_person="须人工派单",
    why_more="详细依据",
    brand_rest="政务服务便民热线",
    agree="同意",
    disagree="不同意",
    unsaid="不填",
    no_lower_units="没有下级单位",
    designated="指定",
    name="姓名",
    address="住址",
    to_form="到表单",
    visit_now="现在可拨",
    visit_rest="时间未到",
    col_caller="诉求人",
    col_attempts="已拨",
    col_when="拨打时间",
    not_reached="无人接听",
    redo="不满意，退回重办",
    dial="显示号码",
    dial_reason="回访核实",
    visit_keys="F2 无人接听 · F8 退回重办 · F9 保存回访",
    all_called="现在没有可以拨打的。",
    times="{} 次",
    confirm="已核对，照此提交",
    track_promise="申请承诺期限",
    see_same="看那张工单",
    pictures_waiting="已上传、随本次提交的照片",
    pictures_drop="不用这些照片",
)
"""The words of the templates, by name; a template that asks for a missing one fails its test."""

SEAT = SimpleNamespace(
    calls="来电",
    no_calls="现在没有来电。",
    call_rings="振铃",
    call_mine="我在接听",
    call_missed="未接",
    call_silent="登记中断",
    withheld="号码未显示",
    take="接听登记",
    go_on="继续登记",
    relieve="接手",
    call_back="回拨登记",
    finish="不立单，结束来电",
    extension="我的分机",
    extension_hint="填了分机，来电只弹到您的屏幕；不填则与同事一起接。",
    sit="保存",
    drafts="没有登记完的",
    nothing_typed="（还没有写内容）",
    drop="删除草稿",
    draft_kept="草稿已保存",
    elapsed="用时",
    save_key="F9",
    keys_hint="F2 接听 · F4 当场答复 · F8 并入相似工单 · F9 登记",
    similar="相似的在办工单",
    similar_hint="同一件事不必另立单：把来电人加到已有工单，单独回访。",
    join="加到此单",
    known="同类问题答复过",
    use_answer="用这个答复",
    advice="登记建议",
    advice_hint="边写边给出类型、分类、区域和承办单位的建议。",
    risk="疑有危险，请先处置",
    hand_over="转",
    likely="多半由",
    likely_end="承办",
    filled="按内容自动填写，可改",
)
"""The words of the agent's workspace."""

SUPERVISION = SimpleNamespace(
    title="督办台",
    city="全市",
    overview="全市总览",
    as_of="统计至",
    up="回到全市",
    by_stage="五个环节",
    by_unit="承办单位",
    stage="环节",
    unit="单位",
    total="合计",
    running="在办时限",
    owed="应办事项",
    since="起始",
    none="这里现在没有要办的。",
    quiet="另有 {} 个单位现在没有在办时限和督办。",
    counted="数字为正在计时的时限和未了结的督办，点击即看其中每一项。县区含所属镇街。",
    lamps={"red": "已超时", "yellow": "快到期", "green": "充足"},
    rungs=("督办单", "挂牌督办", "约谈督办"),
    lists={
        "soon": "下一工作日内将超时",
        "answered": "待核查",
        "claims": "容错待认定",
        "rungs": "待人工升级",
        "requests": "待督办员审批",
    },
    titles={
        "duties": "正在计时的时限",
        "soon": "下一工作日内将超时",
        "papers": "未了结的督办",
        "answered": "待核查的督办答复",
        "claims": "待认定的容错申请",
        "rungs": "须人工决定是否升级的督办",
        "requests": "须督办员审批的申请",
    },
)
"""The words of the supervisors' workspace."""

RULES = SimpleNamespace(
    title="规则管理",
    ruling="现行规则",
    part="规则",
    parts={
        "areas": "行政区划",
        "departments": "承办单位",
        "categories": "事项分类",
        "calendar": "工作日历",
        "allowances": "时限规则",
        "ladder": "督办阶梯",
        "policy": "办理参数",
        "catalogue": "派单目录",
        "risk_words": "风险词",
        "refusals": "不予受理情形",
    },
    of_county="属地县区政府",
    ask_a_person="由人决定",
    answered_here="热线直接答复",
    everywhere="全市",
    changes={"new": "新增", "gone": "去掉", "changed": "修改"},
    new_row="新增一行",
    export="导出表格",
    import_title="整表导入",
    import_hint="CSV 文件，UTF-8 或 GB18030 编码，列名与导出的相同；整表替换，差异在草案中列出。",
    file="文件",
    search_label="事项、区域、单位或编码",
    no_rows="没有符合的行。",
    counted="共 {} 行，符合 {} 行",
    in_draft="下表含您草案中尚未发布的修改，发布后才生效。",
    into_draft="写入草案",
    retire="去掉这一行",
    decision="修改依据",
    versions="历次版本",
    now="现行",
    again="以此版为草案",
    again_source="恢复{}：{}",
    changed_rows="变动的规则",
    nothing_changed="没有变动。",
    difference_columns=("规则", "原来", "改为"),
    trial="用近期工单试算",
    tried="{} 以来 {} 张工单中，{} 张会派往别处，另有 {} 张主办不变、协办不同",
    overtaken="将被取代",
    overtaken_by="{}已定于 {} 起生效，本草案的改动到那时失效",
    trial_columns=("事项", "原主办", "改派", "张数", "工单"),
    hints={
        "category": "输入几个字查找；可填一、二、三级编码",
        "area": "不填为全市；填区域名称或编码",
        "owner": "只在按权属区分时填写：政府公有、国有单位、小区物业、单位或个人",
        "lead": "承办单位名称；也可填：属地县区政府、由人决定、热线直接答复",
        "co": "几个单位之间用顿号隔开",
        "word": "诉求中出现即提醒",
        "tell": "可以直接告诉群众的话",
    },
    version="版本",
    brought="系统自带",
    source="依据",
    since="生效与发布",
    waiting="待复核的草案",
    none_waiting="没有待复核的草案。",
    draft="草案",
    drafted="起草",
    effective="生效时间",
    at_once="发布即生效",
    effective_hint="不填则发布即生效。",
    source_hint="按什么文件或决定修改，至少四个字。",
    make_draft="提交草案",
    change="修改",
    otherwise="其他情形",
    by_person="由人决定",
    no_paper="只提醒",
    fields={
        "allowance": "时限",
        "basis": "依据",
        "after": "到期后",
        "count": "次数",
        "demand": "督办要求",
        "value": "数值",
        "category": "事项分类",
        "area": "区域",
        "owner": "权属",
        "lead": "主办单位",
        "co": "协办单位",
        "word": "词语",
        "risk": "风险",
        "level": "紧急程度",
        "code": "编码",
        "name": "名称",
        "tell": "告知用语",
        "trigger": "触发",
        "tells": "告知",
        "rung": "文书",
        "ignored": "未答复的文书",
        "by_person": "升级方式",
        "urgency": "紧急程度",
        "clocks": "时限种类",
        "type": "诉求类型",
        "kind": "时限",
        "departmental": "部门法定职责，不得下派镇街",
        "sensitive": "敏感事项，不由系统自动派单",
        "statutory": "法定办理时限",
        "closed_from": "停用日期",
    },
    own_fields={
        "areas": {"parent": "上级区域", "successor": "承接区域"},
        "departments": {"parent": "上级单位", "level": "层级", "area": "管辖区域", "successor": "承接单位"},
        "categories": {"successor": "承接分类", "basis": "规定的依据"},
    },
    own_hints={
        "areas": {
            "code": "发布后不再更改，停用后也不他用",
            "parent": "填区域名称或编码；全市的代码是00",
            "successor": "并入哪个区域；派单目录中写本区域的，改按它派单",
        },
        "departments": {
            "code": "发布后不再更改，停用后也不他用",
            "parent": "没有上级的不填",
            "area": "填区域名称或编码；管全市的填00",
            "successor": "职责由谁接手；派单目录中写本单位的，改派给它",
        },
        "categories": {
            "code": "二、四或六位数字，前几位是上级分类；发布后不再更改，停用后也不他用",
            "statutory": "写法如 20个工作日、60天，不填按时限规则办理",
            "basis": "上面各项特别规定的依据",
            "successor": "以后这类诉求归入哪一类；系统识别为本类的，改按它处理",
        },
    },
    closed_hint="从这一天起，新的工单不能再选用；已有的工单照常办理，名称不变。不停用的不填。",
    closing="停用",
    standing="状态",
    closed="{} 起停用",
    taken_by="由{}承接",
    with_closed="含已停用",
    special="特别规定",
    specials={"departmental": "部门职责", "sensitive": "敏感", "statutory": "法定时限"},
    new_entry={"areas": "新增区域", "departments": "新增单位", "categories": "新增分类"},
    register_search="按名称或编码查找",
    register_counted="共 {} 个，符合 {} 个",
    drop_new="不新增了",
    hangs="现有关联",
    hangs_none="没有工单、人员或规则关联到它。",
    hangs_hint="还有关联的，停用时须写明由谁承接：在办工单由原单位办完，或停用后由派单员移交；人员由系统管理员调整；有下级的，须先调整或停用下级。",
    hangs_plain="还有关联的，停用时须写明由谁承接；有下级或所属单位的，须先调整或停用。",
    yes="是",
    columns={
        "allowances": ("时限", "适用", "现行标准"),
        "ladder": ("阶梯", "何时", "告知", "文书"),
        "policy": ("参数",),
    },
    notation="写法：30分钟、2小时、2个工作小时、3个工作日、60天；从次日起算的，末尾加（次日起算）。",
    policy={
        "returns_before_analysis": "退单几次后转研判",
        "extensions_most": "每轮最多延期次数",
        "extension_working_days_most": "一次延期最多工作日",
        "extension_apply_working_days_before": "至少提前几个工作日申请延期",
        "extension_dispatcher_working_days_most": "派单员可批的延期、暂停工作日",
        "pauses_most": "每轮最多暂停次数",
        "pause_working_days_most": "一次暂停最多工作日",
        "visits_most": "回访最多尝试次数",
        "redos_most": "重办几次后转研判",
        "urge_every_minutes": "两次催办至少间隔（分钟）",
        "inner_margin_working_days": "协办提前主办几个工作日",
        "auto_dispatch_probability": "自动派单所需把握",
        "warn_share_left": "剩余时限不足多少亮黄灯（比例）",
    },
    month="{}月",
    by_source="依据：{}（{}）",
    weekdays=("一", "二", "三", "四", "五", "六", "日"),
    signs={"holiday": "休", "make_up": "班", "special": "变", "closed": "停"},
    legend="休：节假日　班：调休上班　变：本地另定办公时间　停：本地另行放假",
    unpublished="这一年的节假日安排尚未公布，涉及的时限均为暂定。",
    upload="录入一年的安排",
    days="日期清单（CSV）",
    days_hint="每行：日期,类别,时间。类别：holiday 放假，workday 调休上班，closed 本地放假，open 本地办公，"
    "须写时间，如 08:30-12:00 14:30-17:30。写到的年份整年替换。",
    problems="存在的问题（须先解决才能发布）",
    changed_days="变动的日期",
    day_columns=("日期", "原来", "改为"),
    no_change="没有日期变动。",
    moved_done="{} 张工单、{} 个到期时间变动",
    moved="如现在发布：{} 张在办工单、{} 个到期时间将变动。",
    preview="计算对在办工单的影响",
    removed="去掉的规则",
    added="新的规则",
    publish="复核无误，发布",
    second_person="草案须由另一人复核发布。",
    take_back="撤回草案",
)
"""The words of the pages of rules."""

OWNERS: Mapping[str, str] = {"public": "政府公有", "state": "国有单位", "estate": "小区物业", "private": "单位或个人"}
"""Whose a thing is, as the shipped catalogue tells it apart; a city may write words of its own."""


def owner(code: str) -> str:
    """Whose a thing is, in words."""
    return OWNERS.get(code, code)


KNOWLEDGE = SimpleNamespace(
    title="知识库",
    offered="知识库答复",
    answer_from="引用知识",
    search="搜索",
    search_label="词语或编号",
    in_force="现行",
    everything="全部",
    none="没有符合的条目。",
    new="新增条目",
    change="修改",
    changing="修改条目",
    keep="维护",
    waiting="待复核",
    none_waiting="没有待复核的条目。",
    valid_until="有效至 {}",
    valid_from="{} 起生效",
    marks={"ruling": "现行", "retired": "已停用", "ended": "已过期", "coming": "尚未生效", "past": "旧版本"},
    code="编号",
    version="第{}版",
    reference="引用写法",
    answer="答复",
    unit="责任单位",
    category="事项分类",
    basis="依据",
    valid="有效期",
    from_now="发布即生效",
    no_end="长期有效",
    published="起草 {}，发布 {}，{}",
    reason="变更理由",
    reason_hint="为什么新增、修改或停用，至少四个字。",
    versions="历次版本",
    hint="条目由一人起草、另一人复核发布；每一版都保留，话务员答复时引用的版本记入工单。",
    labels={
        "question": "问题",
        "answer": "答复",
        "category": "事项分类",
        "department": "责任单位",
        "basis": "依据",
        "valid_from": "生效日期",
        "valid_until": "有效期至（含当日）",
        "retired": "停用",
    },
    hints={
        "question": "照群众会问的样子写",
        "answer": "可以直接念给群众听的完整答复",
        "category": "输入几个字查找；可以不填",
        "department": "对答复的正确负责的单位，输入几个字查找",
        "valid_from": "不填则发布即生效",
        "valid_until": "不填则长期有效；过期后不再推荐",
    },
    submit="提交复核",
    draft="草案",
    field="项目",
    before="现在",
    after="改为",
    is_new="新条目",
    ends="停用条目",
    drafted="起草",
    publish="复核无误，发布",
    publish_some="发布选中的条目",
    choose="选择 {}",
    second_person="草案须由另一人复核发布。",
    take_back="撤回草案",
    retire="停用",
    retire_hint="停用后不再推荐，历次版本仍可查看。",
    done="已发布 {} 条。",
    not_done="{}：{}",
    imported="共 {} 行：新增 {}，修改 {}，相同 {}，不能接收 {}",
    rejected="第 {} 行（{}）：{}",
    kept="已存为 {} 份草案，请另一人在“知识库·待复核”中复核发布",
)
"""The words of the knowledge base."""

CODE = SimpleNamespace(
    title="请把单号和查询码读给诉求人",
    hint="只显示这一次，已留痕。凭单号和查询码可在网上查询进度、补充和评价。",
    new_hint="原来的查询码已失效。",
    reissue="补发查询码",
    reissue_hint="先核实来电人就是诉求人；补发后原来的查询码失效，核实方式和理由都会留痕。",
    caller="诉求人",
    checked="怎样核实的",
    checks={
        "number": "来电号码与登记的一致",
        "facts": "说得出登记的姓名和诉求内容",
        "document": "出示了身份证件",
    },
    reason="补发理由",
    submit="核实无误，补发",
)
"""The words about query codes at the agent's side."""

PRESENCE = SimpleNamespace(
    label="同在此页的人",
    looking="{}也在看",
    writing="{}正在填写",
    hotline="热线工作人员",
    someone="{}工作人员",
    known="{name}（{unit}{role}）",
    warning="同时填写不会互相覆盖：先提交的生效，后提交的人会先看到变化再决定。",
)
"""The words about who else is at a ticket."""

BULK = SimpleNamespace(
    title="批量派单",
    link="批量派单",
    hint="只列待派单的工单，一次最多五十张。每张都按单张派单的全部规则办理，互不影响；保密、敏感、举报和有风险词的须逐张办理。",
    keys="空格选中，↑↓ 移动，按住 Shift 连选",
    choose="选择 {}",
    all="全选可批量的",
    chosen="已选 {n} 张",
    suggestion="首选建议",
    no_suggestion="没有建议",
    each="按各自的首选建议派出",
    together="都派给同一单位",
    lead="主办单位",
    category="事项分类（给还没有分类的）",
    category_hint="选中的工单都还没有分类时填写；已有分类的不变",
    send="派给此单位",
    why="说明",
    why_default="批量派单",
    done_title="批量派单结果",
    done="已派 {} 张，未派 {} 张",
    sent="已派",
    left="未派",
    sent_to="派给{}",
    again="继续批量派单",
    none="没有待派单的工单。",
)
"""The words of dispatching many tickets."""

HAND_OVER = SimpleNamespace(
    title="{}的在办工单",
    hint="选中的由您撤回，改派给承接单位，一次最多五十张。每张都按单张撤回、派单的全部规则办理：原单位已超时的仍记原单位，承接单位的时限重新起算。",
    not_closed="本单位没有停用，或停用后没有承接单位；停用并写明承接单位，发布后即可在此移交。",
    part="承办",
    why="移交理由",
    why_hint="按什么文件或决定移交，至少四个字；写入每张工单。",
    send="移交给{}",
    done_title="移交结果",
    done="已移交 {} 张，未移交 {} 张",
    moved="已移交",
    left="未移交",
    to="由{}承接",
    again="继续移交",
    none="本单位没有在办工单。",
)
"""The words of handing over what a closed unit has."""

NOT_IN_BULK: Mapping[str, str] = {
    "confidential": "保密事项，须逐张办理",
    "report": "举报事项，须逐张办理",
    "sensitive": "敏感事项，须逐张办理",
    "risk": "有风险词，须逐张核实办理",
    "no_suggestion": "没有建议单位，请逐张派单或选定单位",
    "other_suggestion": "首选建议已有变化，请重新查看",
    "designated": "指定承办的，须逐张办理",
    "sent_from_above": "由上级单位派来，请上级单位另派",
    "sent_on": "已派给下级单位，须逐张办理",
    "gone": "本单位已不在办",
}
"""Why a ticket is left out of what is done for many."""
PEOPLE = SimpleNamespace(
    title="人员",
    changes="变更记录",
    search="搜索",
    search_label="姓名或用户名",
    every_role="全部角色",
    with_left="含已停用",
    none="没有符合的人员。",
    labels={"person": "用户名", "name": "姓名", "role": "角色", "department": "单位"},
    hints={
        "person": "2至40位小写字母、数字、点、横线；用过的用户名不能再用",
        "department": "输入几个字查找；热线岗位填热线中心，承办岗位填承办单位",
    },
    state="状态",
    may_log_in="可以登录",
    left="已停用",
    given_mark="初始密码未修改",
    add="新增人员",
    add_hint="保存后显示一次初始密码，请当面或电话告知本人。",
    reason="理由",
    reason_hint="谁批准、为什么，至少四个字；会记入变更记录。",
    reason_wrong="理由：{}",
    change="修改",
    change_hint="修改后本人须重新登录，新的角色立即生效。",
    save="保存",
    starting="初始密码",
    give="重置密码",
    give_hint="原密码和所有登录立即失效。",
    given="初始密码（只显示这一次）",
    given_hint="请立即告知本人。三天内有效，登录后须改为自己的密码。",
    leave="停用",
    leave_hint="立即退出登录，不能再登录；手中的来电可由同事接手。",
    back="重新启用",
    back_hint="启用后显示一次新的初始密码。",
    no_changes="没有变更记录。",
    columns=("时间", "操作人", "事项", "对象", "变更", "理由"),
    kind="事项",
    every_kind="全部事项",
    since="自",
    until="至",
    file="导出表格",
    contact="联系方式",
    kinds={
        "publish": "发布规则",
        "recount": "重算时限",
        "person_added": "新增人员",
        "person_changed": "修改人员",
        "person_left": "停用人员",
        "person_back": "启用人员",
        "password_given": "重置密码",
        "enter_contact": "新增联系方式",
        "end_contact": "停用联系方式",
    },
    me="我的账号",
    choose="修改密码",
    current="现在的密码",
    new="新密码",
    new_hint="至少八个字符；保存后其他地方的登录全部退出。",
    again="再输入一次新密码",
    must_choose="您用的是初始密码，到期后不能再登录，请改为自己的密码。",
    not_the_same="两次输入的新密码不一样，请重新输入。",
)
"""The words of the pages of people, of changes, and of one's own log-in."""

CASE = SimpleNamespace(
    title="移交材料",
    sheet="12345热线工单",
    link="案件材料",
    print="打印工单",
    number="材料编号",
    ticket="工单编号",
    cover="移交事项",
    matter="诉求事实",
    facts="承办情况",
    papers="督办文书及答复、核查、容错",
    overdue="超时时限卡",
    found="督办阶梯认定",
    told="告知情况",
    unit="承办单位",
    paper="督办文书",
    body="接收机关",
    ground="移交事由",
    demand="督办要求",
    issued="签发",
    basis="依据",
    law="漳州市政务服务实施细则第二十一条",
    as_of="材料截至",
    state="办理状态",
    redos="重办次数",
    repeats="重复反映次数",
    never="没有",
    none="没有。",
    seen="已看",
    unseen="未看",
    found_columns=("认定时间", "认定事项", "时限", "到期时间", "依据"),
    told_columns=("时间", "告知对象", "内容", "送达"),
    clock_columns=("时限", "单位", "起算", "到期", "标准", "结果"),
    ways={"webhook": "接口", "wecom": "企业微信", "sms": "短信", "mail": "邮件"},
    delivered={"waiting": "待送", "sent": "已送达", "failed": "未送达"},
    check="与存档核对：在系统中打开同一编号的材料，校验值相同即内容一致。",
    printed="打印于",
    how="按 Ctrl+P 打印",
)
"""The words of papers for the file."""

CITIZEN = SimpleNamespace(
    for_citizens="群众反映和查询",
    title="12345热线",
    welcome="有事请说，件件有回音。",
    bring="我要反映",
    bring_hint="投诉、求助、咨询、举报、建议都可以，不用登录。",
    find="查询进度",
    find_hint="用单号和查询码查看办理进度、补充材料、评价。",
    danger="有人身危险、火情或急病，请直接拨打 110、119、120。",
    larger="大字版",
    smaller="标准版",
    number="单号",
    code="查询码",
    number_hint="18位数字",
    code_hint="登记时给的8位字母和数字",
    look="查询",
    said="您要反映什么",
    place_part="在哪里",
    you="您的联系方式",
    you_hint="只用于核实和回访，加密保存，公开的内容里不会出现。",
    pictures="照片",
    pictures_hint="最多六张，每张不超过8MB；拍摄位置等信息会自动去掉。",
    send="提交",
    saved="已收到您的反映。",
    keep="请记下单号和查询码，查询、补充和评价都要用到。",
    progress="办理进度",
    state="现在",
    department="办理单位",
    due="最迟答复",
    answer="答复",
    no_answer="还没有答复。",
    yours="您反映的内容",
    later="您后来补充的",
    supplement="补充情况",
    supplement_text="补充的内容",
    rate="评价",
    rate_hint="每件事评价一次。不满意的，会有人联系您核实。",
    comment="想说的话（选填）",
    withdraw="撤回",
    withdraw_reason="撤回的原因",
    withdraw_hint="撤回后不再办理。",
    joined="与他人共同反映的事项",
    merged="您反映的事与其他人反映的是同一件，已合并办理；办理结果同样会告诉您。",
    leave="退出查询",
    home="返回",
)
"""The words of the callers' own pages: short, and none of the office's terms."""

STATES_FOR_CITIZENS: Mapping[TicketState, str] = {
    TicketState.RECEIVED: "已受理，正在派给有关单位",
    TicketState.ANALYSIS: "有关单位正在会商由谁办理",
    TicketState.HANDLING: "正在办理",
    TicketState.REVIEW: "单位已办理，热线正在核对答复",
    TicketState.FOLLOW_UP: "已有答复，热线会打电话听取您的意见",
    TicketState.CLOSED: "已办结",
}
STEPS_FOR_CITIZENS: Mapping[str, str] = {
    "received": "热线受理",
    "sent": "派给办理单位",
    "accepted": "办理单位接收",
    "replied": "办理单位提交答复",
    "approved": "热线核对答复",
    "again": "退回重新办理",
    "closed": "办结",
}
"""What a caller reads of the path of a ticket."""

# --- terms ------------------------------------------------------------------------------------------------------------


def action(name: str) -> str:
    """The Chinese name of an action, or of the receiving that begins every ticket."""
    return "受理" if name == "receive" else ACTIONS[name].chinese if name in ACTIONS else name


FIELDS: Mapping[str, str] = {
    "action": "操作",
    "expected": "页面版本",
    "csrf": "页面令牌",
    "lead": "主办单位",
    "co": "协办单位",
    "why": "说明",
    "override": "突破限制的理由",
    "basis": "依据",
    "text": "内容",
    "ground": "不予受理情形",
    "told": "告知诉求人的内容",
    "line": "转往",
    "reference": "对方单号",
    "note": "备注",
    "reason": "理由",
    "into": "并入的单号",
    "callers": "诉求人",
    "origin": "来自工单",
    "type": "类型",
    "urgency": "紧急程度",
    "category": "事项分类",
    "area": "区域",
    "confidential": "保密",
    "assignment": "承办单",
    "how": "联系时间、号码和接听人",
    "departments": "下级单位",
    "department": "协办单位",
    "received": "诉求情况",
    "findings": "核实情况",
    "handling": "办理情况",
    "follows": "后续安排和联系方式",
    "genuine": "诉求属实",
    "solved": "已经解决",
    "reason_code": "退单原因",
    "suggested": "建议承办单位",
    "working_days": "延长的工作日",
    "until": "承诺日期",
    "measures": "措施",
    "request": "申请",
    "approve": "是否同意",
    "answer": "答复意见",
    "rung": "督办等级",
    "allowance": "时限",
    "demand": "督办要求",
    "order": "督办单",
    "caller": "诉求人",
    "pause_code": "暂停原因",
    "joint": "联合督办的其他承办单位",
    "body": "接收机关",
    "calendar": "日历版本",
    "contact": "联系结果",
    "contacted": "单位是否联系过",
    "process": "对过程",
    "result": "对结果",
    "redo": "不满意且有理由，退回重办",
    "level": "评价",
    "confirmed": "已核对的提醒",
    "comment": "评语",
    "knowledge": "引用知识",
    # of knowledge
    "question": "问题",
    "valid_from": "生效日期",
    "valid_until": "有效期至",
    "version": "版本",
    "ids": "选中的条目",
    "tickets": "选中的工单",
    "tab": "页面编号",
    "checked": "怎样核实的",
    "key": "页面编号",
    # of an intake
    "title": "标题",
    "place": "事发地点",
    "owner": "权属",
    "channel": "来源",
    "source": "来源平台",
    "outside_id": "来源单号",
    "received_at": "受理时间",
    "reported": "被举报单位",
    "name": "姓名",
    "phone": "电话",
    "address": "住址",
    "wants_visit": "愿意接受回访",
    "pictures": "照片",
    "code": "查询码",
    # of calls
    "call": "来电",
    "event": "来电状态",
    "at": "时间",
    "extension": "分机",
    "join": "并入的工单",
    # of requests for pages
    "words": "搜索词",
    "q": "搜索词",
    "after": "页码",
    "before": "页码",
    "state": "状态",
    "number": "序号",
    "password": "密码",
    "person": "用户名",
    "rulebook": "规则",
    "most": "行数",
}
"""What a field is called, wherever it is called the same."""

FIELDS_OF: Mapping[tuple[str, str], str] = {
    ("analyse", "why"): "提交研判的理由",
    ("answer", "text"): "答复内容",
    ("supplement", "text"): "补充内容",
    ("withdraw", "reason"): "撤单理由",
    ("merge", "reason"): "并单理由",
    ("unmerge", "reason"): "撤销理由",
    ("amend", "reason"): "更正理由",
    ("add_co", "why"): "需要协办的事",
    ("reply", "note"): "内部备注（不对外）",
    ("recall", "reason"): "撤回理由",
    ("ask_return", "reason"): "退单说明",
    ("ask_return", "basis"): "法律或职责依据",
    ("ask_extension", "reason"): "延期理由",
    ("ask_pause", "reason"): "暂停理由",
    ("ask_pause", "working_days"): "最多暂停几个工作日",
    ("resume", "reason"): "恢复理由",
    ("inform", "how"): "何时、拨打哪个号码、怎样说明",
    ("transfer", "ground"): "移交事由",
    ("transfer", "reason"): "事实和理由",
    ("claim_exemption", "ground"): "容错情形",
    ("claim_exemption", "reason"): "事实和理由",
    ("decide_exemption", "answer"): "认定意见",
    ("accept_order", "note"): "核查意见",
    ("return_order", "reason"): "退回理由",
    ("recount", "source"): "日历依据",
    ("ask_termination", "reason"): "终止理由",
    ("decide", "answer"): "审批意见",
    ("answer_order", "answer"): "对督办单的答复",
    ("urge", "note"): "催办内容",
    ("send_back", "reason"): "退回理由",
    ("reopen", "reason"): "重新办理的理由",
    ("visit", "genuine"): "答复是否属实",
    ("visit", "solved"): "问题是否解决",
    ("visit", "note"): "回访记录",
    ("designate", "basis"): "指定依据",
    ("intake", "text"): "诉求内容",
    ("citizen", "text"): "请写清楚时间、地点和经过",
    ("citizen", "type"): "属于哪一种",
    ("citizen", "area"): "区县、街道",
    ("citizen", "place"): "具体位置",
    ("citizen", "name"): "怎么称呼您",
    ("citizen", "wants_visit"): "办完后可以打电话问我是否满意",
    ("citizen", "confidential"): "请对我的信息保密",
    ("citizen", "received"): "您反映的",
    ("citizen", "findings"): "核实",
    ("citizen", "handling"): "办理",
    ("citizen", "follows"): "后续和联系方式",
    ("citizen", "told"): "说明",
    ("citizen", "answer"): "答复",
    ("citizen", "reason"): "原因",
}
"""What a field is called in one action only."""

HINTS: Mapping[tuple[str, str], str] = {
    ("dispatch", "lead"): "输入几个字查找单位",
    ("dispatch", "override"): "职能部门事项派给镇街时必须写明",
    ("designate", "override"): "职能部门事项派给镇街时必须写明",
    ("sub_dispatch", "override"): "职能部门事项派给镇街时必须写明",
    ("amend", "category"): "输入几个字查找分类",
    ("contact", "how"): "例：10:20 致电本人手机，本人接听，已说明办理安排",
    ("reply", "received"): "收到的诉求是什么",
    ("reply", "findings"): "去核实了什么，查到什么",
    ("reply", "handling"): "做了什么，依据什么",
    ("reply", "follows"): "接下来做什么，找谁联系",
    ("merge", "into"): "18位单号",
    ("ask_extension", "working_days"): "须在到期前一个工作日提出",
    ("ask_pause", "working_days"): "批准之时起暂停，到天数自动恢复；提前具备条件的请及时恢复",
    ("inform", "how"): "例：10:20 致电本人手机，本人接听，已说明延期理由和新的期限",
    ("claim_exemption", "ground"): "漳州市政务服务实施细则第二十三条",
    ("transfer", "body"): "漳州市政务服务实施细则第二十一条，按干部管理权限",
    ("answer", "knowledge"): "例：K0001@2，写在知识库条目上",
    ("intake", "category"): "输入几个字查找；填了分类即按派单目录派单",
    ("intake", "reported"): "投诉举报单位时填写，不会派给该单位",
}
"""A few words below a field."""

EXAMPLES: Mapping[str, str] = {"title": "不填则取诉求内容的开头", "place": "例：解放路3号院东门"}
"""What an empty field of the intake shows."""

GROUPS: Mapping[str, str] = {
    "": "本工单",
    "assignment": "承办单",
    "request": "申请",
    "order": "督办单",
    "caller": "诉求人",
}
"""What the parts of a ticket are called."""

UNITS_OF_TICKET = "各承办单位"
"""What several units together are called, where each has the same few actions."""

SUBMIT: Mapping[str, str] = {
    "reply": "提交答复",
    "decide": "提交审批",
    "visit": "保存回访",
    "amend": "保存更正",
    "supplement": "保存补充",
    "contact": "记下联系",
    "rate": "保存评价",
}
"""What the button says, where the action's own name would not do."""


def field(action_name: str, name: str) -> str:
    """What a field of an action is called."""
    return FIELDS_OF.get((action_name, name)) or FIELDS[name]


NOTICES: Mapping[str, str] = {
    "risk": "诉求中出现风险词，请立即核实",
    "risk_seen": "诉求内容疑有危险，请立即核实",
    "assigned": "新派来一张工单",
    "copied": "抄送：下属镇街收到一张工单",
    "sent": "工单重新派来",
    "accepted": "工单退回，请重新办理",
    "replied": "下级单位已答复",
    "returned": "退单已同意，不再由本单位承办",
    "withdrawn": "工单已撤回，不再由本单位承办",
    "urge": "催办：请尽快办理",
    "supervise": "督办：请按期答复",
    "order_returned": "督办答复被退回，请重新答复",
    "order_accepted": "督办答复核查通过",
    "transfer": "本单位承办的一张工单已移交处置",
    "exemption_approved": "容错申请已认定",
    "exemption_rejected": "容错申请未予认定",
    "order_answered": "督办单已答复，请核查",
    "exemption_claimed": "有一项容错申请等待认定",
    "recount": "工作日历更新，时限已重算",
    "return_approved": "退单申请已同意",
    "return_rejected": "退单申请未同意，请继续办理",
    "extension_approved": "延期申请已同意",
    "extension_rejected": "延期申请未同意，请按原期限办理",
    "promise_approved": "承诺期限已同意",
    "promise_rejected": "承诺期限未同意，请按原期限办理",
    "pause_approved": "暂停计时已同意",
    "pause_rejected": "暂停计时未同意，请按原期限办理",
    "termination_approved": "终止办理已同意",
    "termination_rejected": "终止办理未同意，请继续办理",
    "request": "有一项申请等待审批",
    "merged": "一张工单并入他单，请逐人回访",
    "analysis": "有一张工单需要研判",
    "alarm_dead": "系统告警：没有后台进程在运行，时限无人盯守",
    "alarm_silent": "系统告警：一个后台进程失去响应",
    "alarm_behind": "系统告警：时限盯守落后",
    "alarm_delivery": "系统告警：有提醒无法送达，请核对联系方式或网关",
    "alarm_calendar": "系统告警：有年份的放假安排尚未录入，所及时限均为暂定",
    "alarm_drift": "模型提示：近期来件的用词或分类比例与以往明显不同，请到“标注”页查看",
    "alarm_look": "系统告警：有时限无法判断，请查看日志",
    "due_soon": "提醒：时限快到",
    "overdue": "催办：时限已超",
    "urge_slip": "催办单：已逾期，请立即办理",
    "order": "督办单：逾期二个工作日",
    "order_critical": "督办单：特急事项逾期",
    "order_redone": "督办单：第二次退回重办",
    "order_repeated": "督办单：重复反映三次以上",
    "listed": "挂牌督办：逾期五个工作日",
    "order_ignored": "挂牌督办：督办单逾期未答复",
    "listed_ignored": "挂牌督办逾期未答复，请决定约谈或者通报",
    "summons_ignored": "约谈后仍不改正，请决定是否移交",
}
"""What a notice of each kind says."""


def notice_number(ticket: int) -> str:
    """Begin a message about a ticket."""
    return f"工单 {ticket}："


def letter(ticket: int, code: str) -> str:
    """Tell a caller by text message how to follow their matter; what it is about is not said."""
    return f"您反映的事项已登记，单号{ticket}，查询码{code}，凭此可查询进度、补充和评价"


def notice_due(due: datetime) -> str:
    """Say in a message until when."""
    return f"，时限 {due.astimezone(ZONE):%Y-%m-%d %H:%M}"


def notice_subject(sentence: str) -> str:
    """Head a mail."""
    return f"12345热线提醒：{sentence}"


CARD = SimpleNamespace(
    title="时限卡",
    at_label="查看哪一刻的时限",
    show="查看",
    none="这一刻没有计时。",
    explained="时限卡由流转记录和当时的规则、日历重新算出；同样的记录总是得出同样的卡。时刻精确到秒，均为北京时间。",
    turns="到期时间是怎样来的",
    days="逐日计算",
    at="查看时刻",
    started="起算",
    counted_from="更正后起算",
    due="到期",
    provisional="（暂定：所及年份的放假安排尚未公布）",
    allowance="时限",
    basis="依据",
    used="已计时间",
    rules="时限规则版本",
    calendar="工作日历",
    running="计时中",
    paused="暂停计时中",
    left="还剩",
    late="已超时",
    open_until="期限至",
    nth="第{}日",
    weekdays=("周一", "周二", "周三", "周四", "周五", "周六", "周日"),
    fault="重新计算的结果与记录的到期时间不一致，请告知系统管理员。",
)
"""The words of the deadline card."""

CALENDAR = SimpleNamespace(
    unpublished="（放假安排尚未公布，所及时限为暂定）",
    preview="发布后将重算：{}张在办工单，{}个到期时间会变动",
    drafted="已存为第{}号草案，请另一人核对后发布；发布后在办工单由后台进程重算",
)
"""What the command for calendars says."""

TURNS: Mapping[TurnKind, str] = {
    TurnKind.COUNTED: "从 {} 起算，{}",
    TurnKind.FIXED: "经批准的承诺期限",
    TurnKind.EXTENSION: "申请 {} 获准延期{}",
    TurnKind.PAUSE: "申请 {} 获准暂停计时 {}（{}），扣除 {}",
    TurnKind.CEILING: "须早于主办或者上级单位的时限",
    TurnKind.FLOOR: "日历更正不使当场超期",
}
"""What moved a due time."""

FLASH: Mapping[str, str] = {
    "labelled": "标注已保存。",
    "drafted": "草案已提交，请另一人复核发布。",
    "published": "已发布。",
    "draft_back": "草案已撤回。",
    "amended": "已写入草案，可继续修改；请另一人复核发布。",
    "person_kept": "已保存。",
    "password": "密码已修改。",
    "opened": "已登记。",
    "known": "这张工单先前已经登记过，没有重复登记。",
    "answered": "已登记并当场答复。",
    "knowledge_back": "草案已撤回。",
    "caller": "已增加诉求人。",
    "finished": "来电已结束，没有立单。",
    "seat": "分机已保存。",
    "added": "已补充，会转给办理单位。",
    "thanks": "谢谢您的评价。",
    "taken_back": "已撤回。",
    "dropped": "草稿已删除。",
    "not_answered": "已登记，但工单已有新进展，没有当场办结；请看流转记录。",
    **{name: f"已完成：{one.chinese}。" for name, one in ACTIONS.items()},
}
"""What a page says after something was done."""

UNITS: Mapping[Unit, str] = {
    Unit.MINUTES: "分钟",
    Unit.HOURS: "小时",
    Unit.WORKING_HOURS: "个工作小时",
    Unit.WORKING_DAYS: "个工作日",
    Unit.DAYS: "天",
}


def allowance(text: str) -> str:
    """Word the notation of an allowance; one that is not noted, as of a promised date, stays empty."""
    if not text:
        return ""
    given = Allowance.parse(text)
    return f"{given.amount}{UNITS[given.unit]}" + ("（次日起算）" if given.from_next_day else "")


# --- times ------------------------------------------------------------------------------------------------------------

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_DAYS_FROM = 48 * _HOUR
_MOMENTS_KEPT = 16_384
"""A list shows a hundred moments, most of which the page before it showed too."""


@lru_cache(_MOMENTS_KEPT)
def _local(at: datetime) -> str:
    return at.astimezone(ZONE).isoformat(" ")


def moment(at: datetime | None) -> str:
    """A moment in local time, to the minute."""
    return _local(at)[:16] if at else ""


def short_moment(at: datetime | None) -> str:
    """A moment of this season, to the minute; the year goes without saying."""
    return _local(at)[5:16] if at else ""


def exact(at: datetime | None) -> str:
    """A moment in local time, to the second: what a deadline is right to."""
    return _local(at)[:19] if at else ""


def span(much: timedelta) -> str:
    """A stretch of time in days, hours, minutes and seconds, without the parts that are nothing."""
    seconds = int(much.total_seconds())
    parts = ((_DAY, "天"), (_HOUR, "小时"), (_MINUTE, "分"), (1, "秒"))
    told = ""
    for size, name in parts:
        count, seconds = divmod(seconds, size)
        told += f"{count}{name}" if count else ""
    return told or "0秒"


def left(due: datetime, now: datetime) -> str:
    """How much time is left until `due`, or how much it is past, in words."""
    return f"还剩 {_span(due - now)}" if due >= now else f"已超 {_span(now - due)}"


def duty(kind: ClockKind) -> str:
    """What must be done before a deadline of this kind ends."""
    return kind.chinese.removesuffix("时限").removesuffix("期限")


def _span(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    if seconds < _MINUTE:
        return "不到 1 分钟"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE} 分钟"
    if seconds < _DAYS_FROM:
        return f"{seconds // _HOUR} 小时"
    return f"{seconds // _DAY} 天"


def silent(holder: str) -> str:
    """That the page of whoever has a call fell silent."""
    return f"{holder}的页面没有响应，草稿还在，可以接手" if holder else "登记页面没有响应，可以接手"


def own_day(calls: int, seconds: float) -> str:
    """How an agent's own day went."""
    return f"今天 {calls} 通，平均用时 {took(int(seconds))}"


def took(seconds: int) -> str:
    """A short span to the second."""
    minutes, rest = divmod(max(0, seconds), _MINUTE)
    return f"{minutes} 分 {rest} 秒" if minutes else f"{rest} 秒"


# --- errors -----------------------------------------------------------------------------------------------------------

ADVICE: Mapping[Rule, str] = {
    Rule.CO_HANDLERS_STILL_WORKING: "请等他们答复，或由派单员撤回协办。",
    Rule.CONTACT_MISSING: "请先联系诉求人并登记“先行联系”。",
    Rule.REQUEST_PENDING: "请等审批结果。",
    Rule.RETURN_WINDOW_CLOSED: "请继续办理；确有困难可申请延期或请热线协调。",
    Rule.DESIGNATED_CANNOT_RETURN: "请继续办理。",
    Rule.EXTENSIONS_USED_UP: "有客观困难的，可申请承诺期限。",
    Rule.EXTENSION_TOO_LONG: "请缩短天数，或申请承诺期限。",
    Rule.TOO_LATE_TO_EXTEND: "请尽快办理并答复。",
    Rule.PAUSES_USED_UP: "有客观困难的，可申请承诺期限。",
    Rule.PAUSE_TOO_LONG: "请缩短天数，或申请承诺期限。",
    Rule.PAUSED_ALREADY: "条件具备时请恢复计时。",
    Rule.NOT_PAUSED: "",
    Rule.NOTHING_TO_TELL: "",
    Rule.ORDERED_ALREADY: "请先核查或等待答复，或者选择更高一级。",
    Rule.NOTHING_TO_ANSWER: "",
    Rule.NOT_ANSWERED: "请等承办单位答复。",
    Rule.CLAIMED_ALREADY: "请等认定结果。",
    Rule.NO_CLAIM: "",
    Rule.TRANSFER_HAS_ITS_OWN_FORM: "请用“移交”。",
    Rule.RETURNED_BEFORE: "请改派其他单位；各单位都不承办的，提交研判。",
    Rule.REPORTED_UNIT: "请改派其上级或主管部门。",
    Rule.DEPARTMENT_MATTER: "请派给职能部门（镇街正在办理的先撤回），或由派单员写明理由。",
    Rule.NOT_A_LOWER_UNIT: "请在本单位的下级中选择。",
    Rule.ALREADY_ASSIGNED: "不必重复派单。",
    Rule.UNKNOWN_DEPARTMENT: "请从列表中选择。",
    Rule.MACHINE_MAY_NOT_DECIDE: "请人工派单。",
    Rule.URGED_LATELY: "请过几分钟再催。",
    Rule.INTERVIEWER_IS_HANDLER: "请由其他人员回访。",
    Rule.ATTEMPT_TOO_SOON: "请到时再拨。",
    Rule.ALREADY_VISITED: "不必再次回访。",
    Rule.ALREADY_RATED: "每次办理只能评价一次。",
    Rule.MERGE_INTO_ITSELF: "请填写另一张工单的单号。",
    Rule.PROMISE_IN_THE_PAST: "请选择以后的日期。",
    Rule.CATEGORY_NEEDED: "请先更正分类，或在派单时一并选择分类。",
    Rule.ONLY_THE_LEAD: "请由主办单位提出。",
    Rule.ONLY_BEFORE_DISPATCH: "请联系派单员更正。",
    Rule.NOTHING_TO_RATE: "",
    Rule.NOT_MERGED: "",
    Rule.IS_MERGED: "",
    Rule.NAMED_REASON_NEEDED: "请在“突破限制的理由”中写明。",
}
"""What to do after a rule said no; empty where the rule says it already."""

PROBLEMS: tuple[tuple[str, str], ...] = (
    (r"unknown action", "没有这个操作"),
    (r"unknown field", "没有这一项"),
    (r"is no field of an intake", "登记表没有这一项"),
    (r"(is|are) missing", "还没有填"),
    (r"is empty", "还没有填"),
    (r"must be a list", "应当是一组选项"),
    (r"cannot be given from outside", "不能由页面填写"),
    (r"must be text|is not text", "应当是文字"),
    (r"contains a NUL byte", "含有无法保存的字符，请删去后重填"),
    (r"has (\d+) characters", "太长，已有{0}个字"),
    (r".*is neither true nor false", "请选是或否"),
    (r"must be a whole number|.*is not a whole number", "应当是整数"),
    (r".*is out of range", "超出范围"),
    (r".*is not a moment|is no moment", "不是有效的日期时间"),
    (r"has no time zone", "缺少时区"),
    (r"lies outside every calendar", "超出日历范围"),
    (r".*is unknown", "没有这个选项，请从列表中选择"),
    (r"is no moment of this ticket", "不在本工单的起止时间之内"),
    (r"cannot be read in line (\d+).*", "第{0}行读不懂"),
    (r"is no kind of a day in line (\d+)", "第{0}行不是有效的日期类型"),
    (r"contradicts itself.*", "自相矛盾"),
    (r"is not in force", "已变更或失效，请核对答复后重新选用"),
    (r"rules no more", "已有更新的版本，请在新版本上修改"),
    (r"has a draft that waits", "已有一份草案待复核，请先复核或撤回"),
    (r"is retired already", "已经停用"),
    (r"is no code of an entry", "编号只能用大写字母、数字和 _ . -"),
    (r"stand there twice", "有重复的"),
    (r"was given a new code just now", "刚刚补发过，请先问同事"),
    (r"is no name of a page", "页面已过期，请刷新"),
    (r"is no key", "页面已过期，请刷新后再提交"),
    (r"are too many", "太多，请分几次"),
    (r"lies in the past", "须晚于现在"),
    (r"lies in the future", "不能晚于现在"),
    (r"is too long ago", "过早，请核对日期"),
    (r"cannot be searched", "不能这样搜索：请输入一至五个词，每个词二至五十个字"),
    (r"is too short", "太短，请写清楚"),
    (r"has problems", "有矛盾，不能发布"),
    (r"is no key of a page|is no such number|is no version", "不是有效的数字"),
    (r"are (\d+) files", "照片太多"),
    (r"has (\d+) bytes", "照片太大，每张不超过8MB"),
    (r"is no picture", "不是能识别的照片，请用 JPEG、PNG 或 WebP"),
    (r"is no extension", "分机应当是一至十位数字"),
    (r"is no id of a call|is no number of a draft", "不是有效的编号"),
    (r"has a row already", "已有同样的一行，请修改那一行"),
    (r"has other columns|lacks .+", "列名不符，请先导出表格，按它的列名填写"),
    (r"is neither UTF-8 nor GB18030", "读不出文字，请另存为CSV UTF-8后再传"),
    (r"is no code", "编码不合格式：事项分类为二、四或六位数字，其他不能有空格和标点"),
    (r"is of another kind|cannot be read", "读不懂，请按导出的格式填写"),
    (r"cannot be read as .*", "读不懂，请按导出的格式填写"),
    (r"is no allowance", "应当写作 30分钟、2小时、3个工作日、60天 这样的时限"),
    (r"has no successor", "没有停用，或没有承接单位"),
    (r"is taken", "已有人用过，请换一个"),
    (r"is the entry itself", "不能是它自己"),
    (r"is published", "已经发布过，不能删除；不再使用的请填停用日期"),
    (r"is no log-in name", "应当是二至四十位小写字母、数字、点、横线或下划线"),
    (r"is no name", "不能为空，最多六十个字"),
    (r"is not changed", "没有改动"),
    (r"has left already", "已经停用"),
    (r"may log in already", "已经可以登录"),
    (r"does not fit the role", "与角色不符：承办岗位须属承办单位，其他岗位须属热线中心"),
    (r"is the old one", "与现在的密码相同，请换一个"),
    (r".*ambiguous", "有几个同名的，请从列表中选择"),
    (r"is no phone number", "不是有效的电话号码，例：13800000000 或 0591-87654321"),
)
"""What a value's problem, told in English by the service, is called; the first that fits counts."""

NOT_POSSIBLE_NOW = "这件事现在的进度不能这样操作，请看下面的最新情况。"
"""What a caller is told whose action came too late."""

CAUTIONS: Mapping[Caution, str] = {
    Caution.OFF_TOPIC: "答复里没有提到诉求所说的“{0}”，请核对是否答非所问。",
    Caution.TEMPLATE: "与另一件不相干的工单 {0} 的答复几乎相同，请核对是否套用。",
    Caution.PROMISE: "答复承诺了日期（{1}）：“{0}”。可先申请承诺期限，由热线跟踪到期兑现。",
    Caution.DOWNGRADED: "诉求是投诉举报，答复却称“{0}”，请核对是否改变了定性。",
}
"""What is asked of whoever sends a reply that raises a doubt."""


def caution(which: Caution, evidence: str, until: str) -> str:
    """Say what about a reply gives one pause."""
    return CAUTIONS[which].format(evidence, until)


OTHER_PROBLEM = "不符合要求"


def problem(text: str) -> str:
    """Word the problem of a value."""
    for pattern, chinese in PROBLEMS:
        found = re.fullmatch(pattern, text)
        if found:
            return chinese.format(*found.groups())
    return OTHER_PROBLEM


RULE_PROBLEMS: tuple[tuple[str, str], ...] = (
    (r"catalogue (?P<c>\d+): no department (?P<x>.+)", "派单目录“{c}”：没有单位 {x}"),
    (r"catalogue (?P<x>\S+): no such category", "派单目录：没有事项分类 {x}"),
    (r"catalogue (?P<c>\d+): no area (?P<x>.+)", "派单目录“{c}”：没有区域 {x}"),
    (r"catalogue (?P<c>\d+), area .+: two rows", "派单目录“{c}”：同一区域、同一权属有两行，只能留一行"),
    (
        r"catalogue (?P<c>\d+): a department's duty may not be given to town (?P<d>\S+)",
        "派单目录“{c}”：职能部门事项不得派给镇街“{d}”",
    ),
    (r"catalogue (?P<c>\d+): (?P<d>\S+) cannot be a co-handler", "派单目录“{c}”：“{d}”不能作协办"),
    (r"catalogue: nobody is responsible for category (?P<c>\d+)", "派单目录：事项“{c}”没有单位负责"),
    (r"allowances: no general rule for (?P<x>.+)", "时限规则：缺少通用标准（{x}）"),
    (r"ladder (?P<x>\S+): two rungs", "督办阶梯：{x} 有两行"),
    (r"ladder (?P<x>\S+): it tells nobody", "督办阶梯：{x} 没有告知对象"),
    (r"ladder (?P<x>\S+): it does not say how many", "督办阶梯：{x} 没有写明次数"),
    (r"ladder (?P<x>\S+): only a person hands a case over", "督办阶梯：{x} 移交只能由人决定"),
    (r"ladder (?P<x>\S+): its paper demands nothing", "督办阶梯：{x} 的文书没有写明要求"),
    (r"ladder: no rung speaks when a duty is overdue", "督办阶梯：到期后没有任何一级提醒"),
    (r"department (?P<d>\S+): its superior (?P<x>\S+) does not exist", "单位“{d}”：上级 {x} 不存在"),
    (r"department (?P<d>\S+): no area (?P<x>.+)", "单位“{d}”：没有区域 {x}"),
    (r"area (?P<x>\S+): the area \S+ that contains it does not exist", "区域 {x}：上级区域不存在"),
    (r"department (?P<d>\S+): its superior (?P<e>\S+) is closed", "单位“{d}”：上级“{e}”已停用"),
    (r"department (?P<d>\S+): its area (?P<a>\S+) is closed", "单位“{d}”：所在区域“{a}”已停用"),
    (r"area (?P<a>\S+): the area (?P<b>\S+) that contains it is closed", "区域“{a}”：上级区域“{b}”已停用"),
    (r"category (?P<c>\S+): its broader kind (?P<f>\S+) is closed", "事项“{c}”：上级分类“{f}”已停用"),
    (r"departments: the hotline itself cannot be closed", "热线中心不能停用"),
    (r"areas: the city itself cannot be closed", "全市不能停用"),
    (r"(?P<k>\S+) (?P<n>\S+): its successor (?P<m>\S+) is not in use", "{k}“{n}”：承接者“{m}”不存在或已停用"),
    (
        r"(?P<k>\S+) (?P<n>\S+): closed without a successor, but named by (?P<x>\d+) rows of the catalogue",
        "{k}“{n}”停用后，派单目录还有 {x} 行写着它，须写明由谁承接",
    ),
    (
        r"(?P<r>areas|departments|categories): version (?P<x>\d+) comes into force later and would undo this",
        "{r}第{x}版已定于以后生效，会取消本草案的改动；请把生效时间定在它之后",
    ),
    (r"(?P<k>\S+) (?P<n>\S+): its code is gone", "{k}“{n}”不能删除，编码须保留；不再使用的请停用"),
    (r"(?P<k>\S+) (?P<n>\S+): a successor is needed, (?P<u>.+)", "{k}“{n}”还有 {u}，停用须写明由谁承接"),
    (r"department (?P<d>\S+): it stands above itself", "单位“{d}”：上下级成环"),
    (r"area (?P<x>\S+): it contains itself", "区域 {x}：上下级成环"),
    (r"area (?P<x>\S+): two county governments, .+", "区域 {x}：有两个县区政府"),
)
"""What contradicts itself in a rulebook: c and f are categories, d and e departments, a and b areas; n and m are of the
kind k; u is what hangs on n; r is a part; x stays as it is."""

REGISTERS: Mapping[str, str] = {"area": "区域", "department": "单位", "category": "事项"}
"""What an entry of areas, departments or categories is called."""

USES: Mapping[str, str] = {
    "tickets": "{} 张在办工单",
    "people": "{} 名人员",
    "contacts": "{} 个通知地址",
    "knowledge": "{} 条知识",
    "catalogue": "{} 行派单目录",
    "allowances": "{} 行时限规则",
    "below": "{} 个下级",
    "departments": "{} 个单位",
}
"""What hangs on an area, a department or a category."""


Namer = Callable[[str], str]


def rule_problem(told: str, category: Namer, department: Namer, area: Namer = str) -> str:
    """Word a problem of a rulebook; one that has no words yet stays as it is, which is better than silence."""
    for pattern, chinese in RULE_PROBLEMS:
        if found := re.fullmatch(pattern, told):
            given = found.groupdict()
            kinds = {"category": category, "department": department, "area": area}
            own = kinds.get(given.get("k", ""), str)
            names: dict[str, Namer] = {"c": category, "f": category, "d": department, "e": department, "a": area}
            names |= {
                "b": area,
                "n": own,
                "m": own,
                "k": lambda kind: REGISTERS.get(kind, kind),
                "u": hanging,
                "r": RULES.parts.get,
            }
            return chinese.format(**{name: names.get(name, str)(value) for name, value in given.items()})
    return told


def hanging(told: str) -> str:
    """Word what hangs on a code, told as name=number with blanks between."""
    pairs = (one.partition("=") for one in told.split())
    return "、".join(USES.get(name, name).format(number) for name, _, number in pairs)


def explain(error: Exception) -> str:
    """Say to a person what went wrong, why, and what to do now; internals never show."""
    match error:
        case IllegalAction():
            state = error.state.chinese
            return f"工单{short(error.ticket_id)}现在是“{state}”，不能{action(error.action)}。{_now(error.allowed)}"
        case NotYours():
            who = Role.of(error.role).chinese
            return f"{who}不能对工单{short(error.ticket_id)}做“{action(error.action)}”。{_now(error.allowed)}"
        case RuleBroken():
            return f"{error.rule.chinese}{_facts(error.facts)}。{ADVICE[error.rule]}"
        case NoSuchPart():
            return f"工单{short(error.ticket_id)}没有第{error.number}号{GROUPS.get(error.part, error.part)}。"
        case BadAction() | BadInput():
            name = FIELDS.get(error.field, error.field)
            return f"{name}：{problem(error.problem)}。"
        case _:
            return _explain_service(error)


def _explain_service(error: Exception) -> str:
    sentence = CODES["internal"]
    match error:
        case StaleTicket():
            sentence = W.stale
        case NotFound():
            sentence = f"没有这个{KINDS.get(error.kind, '内容')}，或者不在您的查看范围。"
        case Forbidden():
            sentence = f"您没有这项权限：{REFUSALS.get(error.why, '请联系系统管理员')}。"
        case Unavailable():
            sentence = f"系统暂时连不上数据服务，没有保存。请{error.retry_after}秒后再试。"
        case CallTaken():
            sentence = f"{error.holder or '其他话务员'}已接手这个来电；您填写的内容在下面，可以复制。"
        case DoubtfulReply():
            sentence = "答复还没有提交：请看下面的提醒，修改，或逐条勾选“已核对”后再提交。"
        case NotInBulk():
            sentence = f"{NOT_IN_BULK.get(error.reason, NOT_IN_BULK['risk'])}。"
        case _:
            sentence = _explain_door(error)
    return sentence


def _explain_door(error: Exception) -> str:
    """Say why somebody was not let in."""
    sentence = CODES["internal"]
    match error:
        case BadLogin():
            sentence = "用户名或密码不对。"
        case BadCode():
            sentence = "单号或查询码不对，请核对后再试。"
        case TooManyRequests():
            sentence = f"次数太多，请{max(1, error.retry_after // 60)}分钟后再试。"
        case BadSignature():
            sentence = "签名不对，没有受理。"
        case TooManyTries():
            sentence = f"尝试次数太多，请{error.retry_after}秒后再试。"
        case _:
            pass
    return sentence


CODES: Mapping[str, str] = {
    "internal": "系统出了问题，已经记录。您可以稍后再试；还不行，请联系系统管理员。",
    "404": "没有这个页面。",
    "405": "这个地址不能这样使用。",
    "413": "提交的内容太大。",
    "400": "请求不完整，请回到上一页重试。",
    "401": "登录已过期，请重新登录。填写的内容在下面，请先复制保存。",
    "other": "请求没有完成。",
}
"""Errors of the web itself."""

KINDS: Mapping[str, str] = {
    "ticket": "工单",
    "caller": "诉求人",
    "person": "人员",
    "page": "页面",
    "call": "来电",
    "picture": "照片",
    "action": "操作",
    "entry": "知识条目",
    "draft": "待复核的草案",
}

REFUSALS: Mapping[str, str] = {
    "the caller is protected": "诉求人信息受保护，任何理由都不能查看",
    "only those who talk to callers may": "只有与诉求人通话的岗位可以按电话查询",
    "only those who talk to callers take calls": "只有与诉求人通话的岗位可以增加诉求人",
    "only the hotline takes matters in": "只有热线岗位可以登记工单",
    "the hotline decides them": "由热线审批",
    "the CSRF token is missing or wrong": "页面已过期，请刷新后再提交",
    "this page is for the hotline": "此页面供热线岗位使用",
    "this page is for departments": "此页面供承办单位使用",
    "only those who work on it may": "只有办理此单的岗位可以添加照片",
    "this page is for follow-up": "此页面供回访岗位使用",
    "the form came from another site": "请从本系统的登录页登录",
    "only analysts and supervisors may": "由分析员和督办员标注",
    "rules are kept by the hotline's leaders": "规则和知识由热线管理岗位维护",
    "only dispatchers may": "由派单员和督办员派单",
    "only staff may": "只供工作人员使用",
    "people are kept by administrators": "人员由系统管理员维护",
    "another administrator must": "不能停用自己或修改自己的角色，须由另一位管理员操作",
    "one administrator must remain": "这是最后一位系统管理员，须先有另一位管理员",
    "changes are for administrators and supervisors": "变更记录供管理员和督办员查看",
    "a second person must agree": "起草人不能发布自己起草的内容，须由另一人发布",
    "it is somebody else's": "只有起草人或有发布权限的人可以撤回",
}
"""Why somebody may not, for each clause that the service gives."""

FACTS: Mapping[str, str] = {
    "not_before": "可拨时间",
    "department": "单位",
    "until": "期限",
    "most": "最多",
    "due": "到期",
    "last": "上次催办",
    "into": "主单",
    "order": "督办单号",
}


def _facts(facts: Mapping[str, str]) -> str:
    told = [f"{FACTS[name]} {_fact(value)}" for name, value in facts.items() if name in FACTS and value]
    return f"（{'，'.join(told)}）" if told else ""


def _fact(value: str) -> str:
    try:
        return moment(datetime.fromisoformat(value)) if "T" in value else value
    except ValueError:
        return value


def _now(allowed: tuple[str, ...]) -> str:
    names = "、".join(action(name) for name in allowed)
    return f"现在可以：{names}。" if names else "您现在没有可以做的操作。"


def short(ticket_id: int | str) -> str:
    """A ticket's number as people quote it, with a blank around it."""
    return f" {ticket_id} "


def state(code: str) -> str:
    """The term of a ticket's state."""
    return TicketState.of(code).chinese


def term(value: object) -> str:
    """The Chinese of any code, or the value itself."""
    return value.chinese if isinstance(value, Term) else str(value)


# --- small sentences of the view models -------------------------------------------------------------------------------

MARKS: Mapping[str, str] = {
    "redo": "第{}次重办",
    "returns": "退单{}次",
    "designated": "指定",
    "sensitive": "敏感",
    "confidential": "保密",
    "bad": "差评核实",
}
WHY: Mapping[str, str] = {
    "row": "派单目录行",
    "basis": "派单目录依据",
    "model": "模型版本",
    "rulebook": "规则版本",
    "risks": "风险",
    "evidence": "判断所据词语",
    "type_evidence": "判断类型所据词语",
    "urgency_evidence": "判断紧急程度所据词语",
}
DOUBTS: Mapping[str, str] = {
    Doubt.NO_CATEGORY: "没有可用的分类建议",
    Doubt.PROTECTED: "保密或举报事项，须人工派单",
    Doubt.SENSITIVE: "敏感事项，须人工派单",
    Doubt.GUARDED: "内容像是举报或者涉密，须人工核实后派单",
    Doubt.UNSURE: "分类把握不足（{probability}）",
    Doubt.AREA_DOUBTED: "模型在该区域的准确率未达到承诺，须人工派单",
    Doubt.NO_ROW: "派单目录没有此类事项",
    Doubt.ROW_ASKS: "派单目录要求人工判断：{basis}",
    Doubt.ANSWERED_HERE: "应由热线直接答复",
    Doubt.NO_COUNTY: "未填写区县，无法确定属地",
    Doubt.NO_UNIT: "派单目录中的单位不存在",
    Doubt.RETURNED_IT: "目录中的单位已退过此单",
    Doubt.IS_REPORTED: "不得派给被举报单位",
    Doubt.PUSHED_DOWN: "职能部门事项不得直接派镇街",
}
GROUNDS: Mapping[str, str] = {
    Ground.CATALOGUE: "派单目录：{category}（{basis}）",
    Ground.RETURNER: "退单单位建议由其承办",
    Ground.EXPERIENCE: "以往同类事项签收率 {probability}",
    Ground.AREA: "属地管理",
}


def doubt(trace: Mapping[str, Any]) -> str:
    """Why the machine did not send alone; a trace from before reasons were codes holds the sentence itself."""
    reason = str(trace.get("reason", ""))
    sentence = DOUBTS.get(reason)
    if sentence is None:
        return reason
    return sentence.format(probability=f"{trace.get('probability', 0):.0%}", basis=trace.get("basis", ""))


def ground(candidate: Mapping[str, Any], category: str) -> str:
    """Why a department might own a matter of `category`, by its name; an old candidate holds the sentence itself."""
    if candidate["why"] not in GROUNDS:
        return str(candidate["why"])
    share = f"{candidate['probability']:.0%}"
    return GROUNDS[candidate["why"]].format(category=category, basis=candidate.get("basis", ""), probability=share)


LESSONS: Mapping[str, str] = {
    "won": (
        "新模型 {challenger} 已启用：最近 {newest} 件中，新模型判对 {challenger_right} 件，"
        "原模型 {champion} 判对 {champion_right} 件。"
    ),
    "no_better": (
        "没有启用新模型：最近 {newest} 件中，新模型判对 {challenger_right} 件，并不多于原模型的 {champion_right} 件。"
    ),
    "unsure": (
        "没有启用新模型：最近 {newest} 件中，新模型判对 {challenger_right} 件，原模型 {champion_right} 件，"
        "差别可能出于偶然（概率 {chance:.0%}）。"
    ),
    "class_fell": "没有启用新模型：总体更好，但有 {classes} 个大类比原模型明显变差。",
    "too_few": "没有训练新模型：最近几周可用来比较的办结工单只有 {newest} 件，至少需要 {needed} 件。",
    "overtaken": (
        "没有启用新模型：训练期间有人改用了其他模型，不再是 {champion}。新模型 {challenger} 已保存，可由管理员启用。"
    ),
    "held": (
        "没有启用新模型：此前有人退回到原模型 {champion}。新模型 {challenger} 判对更多，已保存；"
        "由管理员按版本号启用一个模型后，以后的新模型才会自动启用。"
    ),
    "known": "没有启用新模型：与正在使用的模型相同。",
    "failed": "没有训练成功：{why}。原因可由管理员运行 hotline learn 查看。",
}
LESSON_FAULTS: Mapping[str, str] = {
    "RegistryError": "正在使用的模型无法读取",
    "CorpusError": "用来学习的工单不合要求",
    "BrokenProcessPool": "学习进程中途被终止，多因内存不足",
}
"""What hindered a night of learning, by the name of its error."""
LABEL_REASONS: Mapping[str, str] = {
    "returned": "曾被退单",
    "disagreement": "新旧模型意见不一",
    "uncertain": "模型没有把握",
}


def lesson(learned: Mapping[str, Any]) -> str:
    """What a night of learning came to, and why the challenger is in use or is not."""
    facts = dict(learned["facts"])
    classes = len(facts.get("fallen", ()))
    why = LESSON_FAULTS.get(str(facts.get("why", "")).partition(":")[0], "发生意外")
    known = facts | {
        "champion": learned["champion"],
        "challenger": learned["challenger"],
        "classes": classes,
        "why": why,
    }
    return LESSONS[learned["verdict"]].format(**known)


def drift(found: Mapping[str, Any]) -> tuple[str, ...]:
    """What has drifted, a sentence each; `class` codes come as names already."""
    sentences = []
    if classes := found.get("classes"):
        moved = "、".join(f"{one['class']} {one['before']:.0%} → {one['now']:.0%}" for one in classes["moved"])
        sentences.append(f"分类比例变化明显：{moved}。")
    if fresh := found.get("words"):
        new = "、".join(f"{word}（{number}件）" for word, number in fresh["new"])
        sentences.append(f"未见过的词语占 {fresh['now']:.0%}，以往 {fresh['usual']:.0%}{'：' + new if new else ''}。")
    return tuple(sentences)


NOT_YET = "未定"
RETURNED_BY = "退过此单的单位"
VISITED = "已回访"
NO_VISIT = "不需回访"
LATE = "（逾期）"
JOINT = "联合"


TITLE_MOST = 60
"""Characters of a title that a list shows; the ticket's own page shows all."""


def shortened(title: str) -> str:
    return title if len(title) <= TITLE_MOST else f"{title[: TITLE_MOST - 1]}…"


def rated(level: str) -> str:
    return f"评价：{level}"


def version(name: str | int) -> str:
    """Return a version of rules in words; one without a number, which the program brings, as it is."""
    number = str(name).rpartition("-")[2]
    return f"第{number}版" if number.isdecimal() else str(name)


def versions(names: str) -> str:
    """Return the versions that a rulebook was made from in words: the part and its number each."""
    return "、".join(f"{RULES.parts.get(one.rpartition('-')[0], '')}{version(one)}" for one in names.split())


def picture(number: int) -> str:
    """Return what stands for a picture that cannot be seen, the first being 1."""
    return f"{CITIZEN.pictures} {number}"


def attempts(count: int) -> str:
    return f"未接通 {count} 次"


def from_ticket(ticket_id: int) -> str:
    return f"来自工单{short(ticket_id)}".strip()


def working_days(count: int) -> str:
    return f"{count}个工作日"


def suggested(unit: str) -> str:
    return f"建议由{unit}承办"


def day(at: datetime | None) -> str:
    """A day in local time."""
    return at.astimezone(ZONE).strftime("%Y-%m-%d") if at else ""


def last_day(until: datetime | None) -> str:
    """The last day before a moment at which something is over."""
    return day(until - timedelta(seconds=1)) if until else ""


def truth(value: bool, *, decides: bool = False) -> str:  # noqa: FBT001 - the value itself
    """Yes or no; of a decision, whether it agrees."""
    if decides:
        return "同意" if value else "不同意"
    return "是" if value else "否"
