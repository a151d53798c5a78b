// What the built-in sample is made of. Lists are written as words with spaces between.
#pragma once

#include <string_view>

namespace gradus::grammar {

// Coined names are stem + ending. Some endings serve several kinds, and some names are of a family as well as
// of a town, so that often only the sentence tells the kind.
struct NameParts {
  std::string_view stems;
  std::string_view endings;
};

constexpr NameParts surnames = {
    "Ash Brom Cald Dren Ell Farn Gren Hal Ivers Jen Kel Lind Marl Nor Osk Pem Quill Ren Sand Thorn Ulm Ven "
    "Wex Yar Zell Tam Cor Dal",
    "son mann berg ley ford wick ham sen etti ova ier worth field"};
constexpr NameParts cities = {
    "Ald Brack Carn Dun East Fen Glen Hart Inver Jas Kings Lang Mill Nether Oak Pad Rock Stan Tarn Under "
    "Wind "
    "West Yel Crow Bux Lyd",
    "ton ville burg port mouth dale stead bridge chester haven field ford ham"};
constexpr NameParts families_and_towns = {"Brad Clif Hol Lan Mor Red Shef Stock Wal Whit",
                                          "ford ham ton wick worth field ley well"};
constexpr NameParts brands = {
    "Ax Bel Cen Dyn Ever Flux Gal Hex Inno Jet Kin Lum Max Neo Opt Pri Quan Rad Sol Tri Uni Vol Xen Zen",
    "ara ex ium onic tek vance via ora ix aris ent berg son"};
constexpr std::string_view given_names =
    "Anna Boris Clara David Elena Farid Greta Hugo Irene Jonas Karim Laura Marco Nadia Oscar Paula Quentin "
    "Rosa "
    "Simon Tanya Ulrich Vera Walter Xenia Yusuf Zoe Amara Bruno Carmen Daniel Esther Felix Grace Henrik Ines "
    "Joseph Kavita Liam Maya Nils";

// Around the coined word of an English name; # stands for it.
constexpr std::string_view english_places[] = {"#",      "#",      "#",       "New #",
                                               "Port #", "Lake #", "North #", "Saint #"};
constexpr std::string_view brand_organizations[] = {
    "#",          "# Ltd",       "# Inc",      "# Group",          "# Motors",      "# Foods",
    "# Airlines", "# Energy",    "# Software", "# Steel Ltd",      "# Media Group", "# and Partners",
    "# Holdings", "# Insurance", "# Research", "# Foods and Wine", "Radio #",       "Hotel #"};
constexpr std::string_view city_organizations[] = {"University of #", "Bank of #",         "# University",
                                                   "# Football Club", "# City Council",    "# Times",
                                                   "Museum of #",     "# General Hospital"};

constexpr std::string_view chinese_surnames = "王 李 张 刘 陈 杨 赵 黄 周 吴 徐 孙 胡 朱 高 林 何 郭 马 罗";
constexpr std::string_view chinese_given =
    "伟 芳 娜 敏 静 丽 强 磊 洋 艳 勇 军 杰 娟 涛 明 超 霞 平 刚 桂 文 辉 玲 新 安";
constexpr NameParts chinese_cities = {"青 云 江 河 山 海 东 西 南 北 长 安 平 金 银 石 白 龙",
                                      "州 阳 城 川 原 宁 水 泉 门 陵 湖 溪 岭 桥 岛 津 平 安"};
constexpr NameParts chinese_brands = {"华 信 达 恒 盛 泰 瑞 丰 康 联 创 新 远 宏 博 中 科 天",
                                      "宇 通 源 兴 和 美 力 顺 凯 诚 润 升 威 隆 明 安 强 远"};
constexpr std::string_view chinese_places[] = {"#", "#市", "#市", "#县", "#镇", "#区", "#村", "#新区"};
constexpr std::string_view chinese_brand_organizations[] = {
    "#公司", "#集团", "#银行", "#科技公司", "#电力集团", "#出版社", "#汽车公司", "#保险", "#航空", "#食品厂"};
constexpr std::string_view chinese_city_organizations[] = {"#大学",       "#医院",   "#日报",
                                                           "#足球俱乐部", "#博物馆", "#第一中学"};

// A list that stands for {name} in the templates.
struct WordList {
  std::string_view name;
  std::string_view words;
};

constexpr WordList english_lists[] = {
    {"day", "Monday Tuesday Wednesday Thursday Friday Saturday Sunday"},
    {"month", "January February March April May June July August September October November December"},
    {"title", "Mr Mrs Ms Dr Professor President Judge Captain"},
    {"job", "doctor teacher painter engineer lawyer driver manager nurse writer pilot chairman director"},
    {"thing", "letter report camera bicycle contract ticket bridge song window machine garden picture"},
    {"place", "station airport library market museum theatre school factory hospital church"},
    {"event", "race festival election final concert meeting exhibition conference"},
    {"adj", "new old cheap strange beautiful important difficult small famous good"},
    {"num", "2 3 5 7 12 20 45 100 two three six ten fifty"},
};
constexpr WordList chinese_lists[] = {
    {"day", "周一 周二 周三 周五 周日 昨天 今天 明天 去年 上个月"},
    {"job", "记者 医生 老师 司机 工程师 经理 律师 演员 作家 教授"},
    {"thing", "合同 报告 手机 汽车 图书 计划 产品 房子 消息 音乐"},
    {"place", "车站 机场 图书馆 公园 超市 工厂 学校 广场"},
    {"event", "比赛 展览 会议 音乐节 选举 论坛"},
    {"adj", "重要 便宜 漂亮 困难 新 老 有名 奇怪"},
    {"num", "2 3 5 12 20 100 三 五 十 两"},
};

// Sentences. {person} {surname} {place_name} {organization} are names, {team} is the name of a town standing for
// its sports club, an ORG; the others are the lists above.
constexpr std::string_view english_templates[] = {
    "{person} joined {organization} in {month} .",
    "{organization} opened an office in {place_name} last {day} .",
    "{person} of {organization} will speak in {place_name} on {day} .",
    "The {job} {person} was born in {place_name} .",
    "Shares of {organization} fell {num} percent after the report .",
    "{person} and {person} met at a {place} in {place_name} .",
    "Trains from {place_name} to {place_name} are late again .",
    "{organization} named {person} as its new {job} .",
    "Rain is expected in {place_name} and {place_name} on {day} .",
    "\" It was {adj} , \" {person} told reporters in {place_name} .",
    "According to {organization} , {num} people visited the {place} .",
    "{title} {surname} said the {thing} was {adj} .",
    "{organization} and {organization} signed a deal worth {num} million .",
    "{person} , a {job} from {place_name} , won the {event} .",
    "The {place} near {place_name} will close in {month} .",
    "{title} {surname} left {organization} after {num} years .",
    "Nobody at the {place} saw the {thing} .",
    "The {thing} costs {num} dollars , which is {adj} .",
    "{organization} hired {num} workers for its plant in {place_name} .",
    "My neighbour {person} moved to {place_name} with a {thing} .",
    "Did {person} call {title} {surname} about the {thing} ?",
    "A {job} at {organization} found the {thing} on {day} .",
    "Flights to {place_name} were cancelled , {organization} said .",
    "The mayor of {place_name} thanked {person} and the {job} .",
    "{person} studied in {place_name} before working for {organization} .",
    "In {month} , {organization} bought a {place} from {organization} .",
    "The {event} in {place_name} begins on {day} .",
    "Lawyers for {person} asked {organization} for the {thing} .",
    "{title} {surname} drove from {place_name} to {place_name} in {num} hours .",
    "Every {day} the {job} reads a {adj} report .",
    "Tickets for the {event} cost {num} dollars .",
    "{organization} , based in {place_name} , makes a {adj} {thing} .",
    "\" I have never been to {place_name} , \" said {title} {surname} .",
    "Police in {place_name} are looking for {person} .",
    "{person} wrote a {adj} book about {place_name} .",
    "Dear {title} {surname} , your {thing} arrived on {day} .",
    "The {job} praised {organization} for the {adj} {thing} .",
    "{person} ( {organization} ) came second in {place_name} .",
    "Neither {organization} nor {title} {surname} wanted to comment .",
    "We waited {num} hours at the {place} on {day} .",
    "{place_name} , {month} {num} : the {event} was {adj} .",
    "\" Who is {person} ? \" the {job} asked on {day} .",
    "{team} beat {team} {num} to {num} on {day} .",
    "{surname} scored twice for {team} in the {event} .",
    "{surname} said the {thing} was {adj} .",
    "{organization} said the {thing} was {adj} .",
    "{team} lost to {team} in {place_name} .",
    "{surname} and {surname} were {adj} in {month} .",
    "On {day} {surname} met the {job} of {organization} .",
    "{place_name} is {num} hours from {place_name} by {adj} roads .",
    "The {adj} {thing} belongs to {surname} , not to {organization} .",
    "For {surname} , {place_name} was always {adj} .",
};
constexpr std::string_view chinese_templates[] = {
    "{person}{day}在{place_name}表示，{organization}将扩大生产。",
    "{organization}在{place_name}开设了{num}家分店。",
    "{job}{person}出生在{place_name}。",
    "{organization}任命{person}为新的总经理。",
    "从{place_name}到{place_name}的火车{day}晚点了{num}小时。",
    "{place_name}和{place_name}{day}有大雨。",
    "{person}和{person}在{place}见面，谈了{thing}。",
    "据{organization}统计，{num}万人参观了这次{event}。",
    "{organization}与{organization}签订了{adj}的{thing}。",
    "来自{place_name}的{job}{person}赢得了{event}。",
    "这个{thing}很{adj}，要{num}元。",
    "{place_name}的{place}{day}关闭。",
    "没有人在{place}看见那个{thing}。",
    "{person}离开{organization}以后去了{place_name}。",
    "我的邻居{person}搬到{place_name}了。",
    "{person}给{person}打电话，问{thing}的事。",
    "{organization}的一位{job}发现了{thing}。",
    "{place_name}的市长感谢{person}和各位{job}。",
    "{person}毕业于{organization}，现在是{job}。",
    "{event}{day}在{place_name}开幕。",
    "“{thing}很{adj}，”{person}对记者说。",
    "{organization}位于{place_name}，生产{adj}的{thing}。",
    "飞往{place_name}的航班取消了，{organization}说。",
    "{person}写了一本关于{place_name}的书。",
    "我们在{place}等了{num}个小时。",
    "{organization}{day}从{organization}买下一座{place}。",
    "警方正在{place_name}寻找{person}。",
    "{job}表扬了{organization}，因为{thing}很{adj}。",
    "{place_name}{day}电，{organization}宣布招聘{num}人。",
    "{person}（{organization}）获得第二名。",
    "你认识{person}吗？他是{place_name}人。",
    "每个{job}都要写{thing}。",
    "{person}老师从来没有去过{place_name}。",
    "{organization}和{person}都没有回答。",
    "{team}队{num}比{num}赢了{team}队。",
    "{person}为{team}队进了{num}个球。",
    "{person}认为{thing}很{adj}。",
    "{organization}认为{thing}很{adj}。",
    "{place_name}离{place_name}有{num}个小时的路。",
    "对{person}来说，{place_name}很{adj}。",
    "{day}，{person}、{person}和{organization}都来了。",
};

}  // namespace gradus::grammar
