// The shortcodes that bots commonly use. An unknown one stays text, as in Slack.

import { el } from "./dom.js";

const TABLE = {
  "+1": "👍", thumbsup: "👍", "-1": "👎", thumbsdown: "👎", white_check_mark: "✅", heavy_check_mark: "✔️",
  ballot_box_with_check: "☑️", x: "❌", negative_squared_cross_mark: "❎", no_entry: "⛔", no_entry_sign: "🚫",
  warning: "⚠️", rotating_light: "🚨", exclamation: "❗", question: "❓", grey_question: "❔", grey_exclamation: "❕",
  information_source: "ℹ️", red_circle: "🔴", large_orange_circle: "🟠", large_yellow_circle: "🟡",
  large_green_circle: "🟢", large_blue_circle: "🔵", large_purple_circle: "🟣", white_circle: "⚪", black_circle: "⚫",
  large_red_square: "🟥", large_green_square: "🟩", large_yellow_square: "🟨", hourglass: "⌛",
  hourglass_flowing_sand: "⏳", alarm_clock: "⏰", stopwatch: "⏱️", clock3: "🕒", calendar: "📆", date: "📅", eyes: "👀",
  eye: "👁️", robot_face: "🤖", bust_in_silhouette: "👤", busts_in_silhouette: "👥", wave: "👋", raised_hand: "✋",
  point_right: "👉", pray: "🙏", clap: "👏", tada: "🎉", sparkles: "✨", star: "⭐", trophy: "🏆", medal: "🏅", fire: "🔥",
  rocket: "🚀", bulb: "💡", bell: "🔔", no_bell: "🔕", lock: "🔒", unlock: "🔓", key: "🔑", shield: "🛡️", scales: "⚖️",
  balance_scale: "⚖️", mag: "🔍", mag_right: "🔎", link: "🔗", paperclip: "📎", pencil: "📝", memo: "📝", pencil2: "✏️",
  clipboard: "📋", page_facing_up: "📄", books: "📚", book: "📖", bookmark: "🔖", label: "🏷️", inbox_tray: "📥",
  outbox_tray: "📤", package: "📦", email: "📧", speech_balloon: "💬", thought_balloon: "💭", bar_chart: "📊",
  chart_with_upwards_trend: "📈", chart_with_downwards_trend: "📉", dart: "🎯", game_die: "🎲", gear: "⚙️", wrench: "🔧",
  hammer: "🔨", broom: "🧹", recycle: "♻️", arrows_counterclockwise: "🔄", repeat: "🔁", rewind: "⏪",
  leftwards_arrow_with_hook: "↩️", arrow_right: "➡️", arrow_left: "⬅️", arrow_up: "⬆️", arrow_down: "⬇️",
  arrow_up_small: "🔼", arrow_down_small: "🔽", double_vertical_bar: "⏸️", pause_button: "⏸️", arrow_forward: "▶️",
  fast_forward: "⏩", octagonal_sign: "🛑", construction: "🚧", moneybag: "💰", money_with_wings: "💸", credit_card: "💳",
  heart: "❤️", smile: "😄", slightly_smiling_face: "🙂", thinking_face: "🤔", confused: "😕", cry: "😢", sweat_smile: "😅",
  one: "1️⃣", two: "2️⃣", three: "3️⃣", zap: "⚡", seedling: "🌱", house: "🏠", crystal_ball: "🔮", test_tube: "🧪",
  microscope: "🔬", ghost: "👻", bug: "🐛", small_blue_diamond: "🔹", small_orange_diamond: "🔸", first_place_medal: "🥇",
};

/** A node for :name:, or null when the name is not in the table. */
export function emojiNode(name) {
  const character = Object.hasOwn(TABLE, name) ? TABLE[name] : null;
  if (!character) return null;
  return el("span", { class: "emoji", role: "img", "aria-label": name.replaceAll("_", " "), title: `:${name}:` }, character);
}
