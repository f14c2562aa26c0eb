// A small list of emoji, in the order in which people look for them: the emoji, its English name (what
// one types behind a colon), and further words in English and Chinese.

const GROUPS = {
  smileys: `
😀 grinning smile happy 大笑 开心
😃 smiley happy 开心
😄 smile happy joy 微笑 高兴
😁 beaming grin 露齿笑
😆 laughing haha 哈哈
😅 sweat_smile nervous 尴尬 汗
🤣 rofl floor 笑翻
😂 joy tears laugh 笑哭
🙂 slight_smile 微笑
🙃 upside_down silly 倒脸
😉 wink 眨眼
😊 blush shy 害羞
😇 innocent angel 天使
🥰 smiling_hearts love 喜欢 爱
😍 heart_eyes love 色 喜爱
🤩 star_struck wow 崇拜
😘 kiss 亲亲 飞吻
😋 yum tasty 好吃
😜 winking_tongue joke 调皮
🤪 zany crazy 疯
🤗 hug 抱抱
🤭 oops giggle 偷笑
🤫 shush quiet 嘘
🤔 thinking hmm 思考
🤐 zipper_mouth secret 闭嘴
🤨 raised_eyebrow doubt 怀疑
😐 neutral 无语
😑 expressionless 无语
😶 no_mouth silent 沉默
😏 smirk 得意
😒 unamused 无聊 不爽
🙄 eye_roll 白眼
😬 grimacing 龇牙
😌 relieved calm 放心
😔 pensive sad 失落
😪 sleepy 困
😴 sleeping zzz 睡觉
😷 mask ill 口罩
🤒 thermometer sick 生病 发烧
🤕 bandage hurt 受伤
🤢 nauseated 恶心
🤧 sneeze cold 感冒
🥵 hot 热
🥶 cold freezing 冷
😵 dizzy 晕
🤯 mind_blown 震惊
🥳 party celebrate 庆祝
😎 cool sunglasses 酷
🤓 nerd 书呆子
😕 confused 困惑
😟 worried 担心
🙁 slight_frown sad 不开心
😮 open_mouth wow 惊讶
😲 astonished 吃惊
😳 flushed 脸红
🥺 pleading please 可怜 求求
😢 cry sad 哭
😭 sob crying 大哭
😨 fearful 害怕
😰 cold_sweat 冷汗
😱 scream 尖叫
😖 confounded 纠结
😩 weary tired 累
🥱 yawn 打哈欠
😤 triumph huff 哼
😡 rage angry 生气
🤬 cursing 骂
😈 devil 恶魔
💀 skull dead 骷髅
💩 poop 便便
🤡 clown 小丑
👻 ghost 鬼
👽 alien 外星人
🤖 robot 机器人`,
  people: `
👍 thumbs_up yes ok like 赞 好
👎 thumbs_down no 踩 差
👌 ok_hand fine 好的
✌️ victory peace 耶 胜利
🤞 fingers_crossed luck 好运
🤘 rock 摇滚
🤙 call_me 打电话
👈 point_left 左
👉 point_right 右
👆 point_up 上
👇 point_down 下
✋ raised_hand stop 手
👋 wave hello bye 你好 再见
👏 clap bravo 鼓掌
🙌 raised_hands hooray 万岁
🙏 pray thanks please 谢谢 拜托
🤝 handshake deal 握手 合作
💪 muscle strong 加油 肌肉
✊ fist 拳头
👊 punch 拳
🫶 heart_hands 比心
✍️ writing 写
👀 eyes look 看
🧠 brain 大脑
🙋 raising_hand me 举手
🤷 shrug 不知道 耸肩
🤦 facepalm 捂脸
💁 tipping_hand 帮忙
🙇 bow sorry 鞠躬 抱歉
💃 dancer dance 跳舞
🏃 runner run 跑
🚶 walking 走
👶 baby 宝宝
👨‍💻 technologist coder 程序员
👪 family 家庭
🎅 santa 圣诞老人`,
  nature: `
🐶 dog 狗
🐱 cat 猫
🐭 mouse 老鼠
🐰 rabbit 兔子
🦊 fox 狐狸
🐻 bear 熊
🐼 panda 熊猫
🐯 tiger 老虎
🦁 lion 狮子
🐮 cow 牛
🐷 pig 猪
🐸 frog 青蛙
🐵 monkey 猴子
🐔 chicken 鸡
🐧 penguin 企鹅
🦉 owl 猫头鹰
🐴 horse 马
🦄 unicorn 独角兽
🐝 bee 蜜蜂
🐛 bug 虫子
🦋 butterfly 蝴蝶
🐢 turtle 乌龟
🐍 snake 蛇
🐉 dragon 龙
🐳 whale 鲸鱼
🐟 fish 鱼
🌵 cactus 仙人掌
🌲 tree 树
🌱 seedling 幼苗
🍀 clover luck 四叶草
🌸 blossom 樱花
🌹 rose 玫瑰
🌻 sunflower 向日葵
🌞 sun 太阳
🌙 moon 月亮
⭐ star 星星
⚡ zap lightning 闪电
🔥 fire hot 火
🌈 rainbow 彩虹
☁️ cloud 云
🌧️ rain 雨
❄️ snow 雪
🌊 ocean wave_water 海浪
🌍 earth world 地球`,
  food: `
🍎 apple 苹果
🍊 orange 橙子
🍋 lemon 柠檬
🍌 banana 香蕉
🍉 watermelon 西瓜
🍓 strawberry 草莓
🍑 peach 桃子
🥑 avocado 牛油果
🌶️ chili 辣椒
🍞 bread 面包
🧀 cheese 奶酪
🥚 egg 鸡蛋
🍔 burger 汉堡
🍟 fries 薯条
🍕 pizza 披萨
🥟 dumpling 饺子
🍜 noodles ramen 面条
🍚 rice 米饭
🍣 sushi 寿司
🍦 ice_cream 冰淇淋
🍰 cake 蛋糕
🎂 birthday 生日
🍫 chocolate 巧克力
🍪 cookie 饼干
☕ coffee 咖啡
🍵 tea 茶
🧋 bubble_tea 奶茶
🍺 beer 啤酒
🍻 cheers 干杯
🍷 wine 红酒
🥂 clinking champagne 干杯`,
  things: `
🎉 tada party 庆祝 撒花
🎊 confetti 庆祝
🎁 gift present 礼物
🎈 balloon 气球
🧧 red_envelope 红包
🏆 trophy 奖杯
🥇 medal first 金牌
⚽ soccer football 足球
🏀 basketball 篮球
🏓 ping_pong 乒乓球
🎮 game 游戏
🎲 dice 骰子
🎵 music note 音乐
🎸 guitar 吉他
🎬 film movie 电影
📷 camera 相机
📱 phone 手机
💻 laptop computer 电脑
⌨️ keyboard 键盘
💡 idea bulb 灯泡 主意
🔦 torch 手电
📚 books 书
📝 memo note 笔记
📎 paperclip 回形针
📌 pushpin 图钉
📅 calendar date 日历
📈 chart_up 上涨
📉 chart_down 下跌
✉️ mail letter 邮件
📦 package 包裹
🔒 lock 锁
🔑 key 钥匙
🔨 hammer 锤子
🔧 wrench 扳手
⚙️ gear settings 齿轮
💊 pill 药
💰 money 钱
⏰ alarm clock 闹钟
⏳ hourglass 沙漏
🚀 rocket launch 火箭
✈️ plane travel 飞机
🚗 car 汽车
🚲 bike 自行车
🚄 train 高铁
🏠 house home 家
🏢 office 公司
🏖️ beach 海滩`,
  signs: `
❤️ heart love 爱心
🧡 orange_heart 橙心
💛 yellow_heart 黄心
💚 green_heart 绿心
💙 blue_heart 蓝心
💜 purple_heart 紫心
🖤 black_heart 黑心
💔 broken_heart 心碎
💖 sparkling_heart 闪心
💯 hundred 一百 满分
✨ sparkles 闪光
💥 boom 爆炸
💤 zzz sleep 睡
💬 speech 说话
✅ check done 完成 对
❌ cross no 错
❗ exclamation 感叹号
❓ question 问号
⚠️ warning 警告
🚫 prohibited 禁止
➕ plus 加
➖ minus 减
🔁 repeat 重复
🔔 bell 铃
🔕 no_bell 静音
🆗 ok 好
🆕 new 新
🆘 sos help 求助
🏁 finish 终点
🚩 flag 旗`,
};

const entry = (line) => {
  const [emoji, name, ...words] = line.split(" ");
  return { emoji, name, words: [name, ...name.split("_"), ...words] };
};

/** [{id, emoji: [{emoji, name, words}]}] */
export const groups = Object.entries(GROUPS).map(([id, lines]) => ({ id, emoji: lines.trim().split("\n").map(entry) }));

const all = groups.flatMap((group) => group.emoji);

/** Emoji of which a word begins with `query`, those of that very name first. */
export function findEmoji(query, limit = 60) {
  const wanted = query.toLowerCase();
  const found = all.filter(({ words }) => words.some((word) => word.startsWith(wanted)));
  const rank = ({ name }) => (name === wanted ? 0 : name.startsWith(wanted) ? 1 : 2);
  return found.sort((a, b) => rank(a) - rank(b)).slice(0, limit);
}

/** The emoji's name for a screen reader and a tooltip. */
export const nameOf = (emoji) => all.find((one) => one.emoji === emoji)?.name.replaceAll("_", " ") ?? emoji;

/** What is offered to who has not chosen any yet. */
export const QUICK = ["👍", "❤️", "😂", "😮", "😢", "🙏"];
