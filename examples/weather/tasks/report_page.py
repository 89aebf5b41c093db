"""The page is one HTML file that loads nothing: style, figures and table stand in it, in light and in dark."""

import html

STYLE = """
:root{color-scheme:light dark;
--paper:#fbfaf7;--card:#ffffff;--ink:#1c1e22;--soft:#5f646c;--faint:#8b9098;--grid:#e9e6df;--zero:#b9b5ab;--rain:#4f83b5;
--t40:#8f1d2c;--t32:#c8442f;--t24:#e58a2d;--t16:#dcb73f;--t8:#6fb07f;--t0:#3f94b8;--t-8:#3f63ad;--t-18:#43337f;
--seattle:#12766b;--new_york:#c65a1e;
--a0:#2e62a8;--a1:#6795c8;--a2:#a3c1de;--a3:#d6e3ee;--a4:#f0eee9;--a5:#f7dccb;--a6:#efae8d;--a7:#db7350;--a8:#b5362c;
--on-a0:#fff;--on-a1:#fff;--on-a2:#1c1e22;--on-a3:#1c1e22;--on-a4:#1c1e22;--on-a5:#1c1e22;--on-a6:#1c1e22;--on-a7:#fff;--on-a8:#fff}
@media (prefers-color-scheme:dark){:root{
--paper:#131519;--card:#1a1d22;--ink:#ecebe7;--soft:#a4a9b1;--faint:#7d838c;--grid:#282c33;--zero:#4d535c;--rain:#6ea5d8;
--t40:#d23b4a;--t32:#ea6440;--t24:#f29d45;--t16:#ecca5a;--t8:#7cc492;--t0:#52aed3;--t-8:#5e86d6;--t-18:#7a66c9;
--seattle:#35b3a2;--new_york:#ee8646;
--a0:#5b95e6;--a1:#4277b9;--a2:#315a8b;--a3:#2a3f59;--a4:#2b2e34;--a5:#4c352c;--a6:#7d4632;--a7:#b85c3f;--a8:#e8694f;
--on-a0:#0f1114;--on-a1:#fff;--on-a2:#ecebe7;--on-a3:#ecebe7;--on-a4:#c9ccd1;--on-a5:#ecebe7;--on-a6:#ecebe7;--on-a7:#fff;--on-a8:#0f1114}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
main{max-width:1160px;margin:0 auto;padding:56px 40px 72px}
h1,h2{font-family:Charter,"Bitstream Charter","Iowan Old Style",Georgia,"Times New Roman",serif;font-weight:600;text-wrap:balance}
h1{font-size:44px;line-height:1.12;letter-spacing:-.012em;margin:10px 0 14px}
h2{font-size:24px;line-height:1.25;margin:0}
.kicker{font-size:13px;letter-spacing:.09em;text-transform:uppercase;color:var(--soft);margin:0}
.lead{font-size:19px;color:var(--soft);max-width:44em;margin:0 0 30px}
.lead b{color:var(--ink);font-weight:600}
section{margin-top:52px}
.say{color:var(--soft);margin:4px 0 18px;max-width:52em}
.place{color:var(--faint);font:400 15px/1.4 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;margin-left:8px}
figure{margin:0;overflow-x:auto}
svg{display:block;width:100%;min-width:720px;height:auto;font-family:system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
.facts{display:grid;grid-template-columns:minmax(180px,1.1fr) 1fr 1fr;border-top:1px solid var(--zero);font-variant-numeric:tabular-nums}
.facts>*{padding:9px 16px 9px 0;border-bottom:1px solid var(--grid)}
.facts .head{font-weight:600;display:flex;align-items:center;gap:9px}
.facts .head i{width:11px;height:11px;border-radius:3px}
.facts .name{color:var(--soft)}
.facts .more{color:var(--faint);font-size:14px;margin-left:7px;white-space:nowrap}
.tick{fill:var(--soft);font-size:12px;font-variant-numeric:tabular-nums}
.strong{fill:var(--ink)}
.figure-label{fill:var(--ink);font-size:14px;font-weight:600}
.year-label{fill:var(--ink);font-size:13px;font-weight:600}
.note{fill:var(--ink);font-size:12.5px;font-weight:600}
.halo{paint-order:stroke;stroke:var(--paper);stroke-width:4px;stroke-linejoin:round}
.grid{stroke:var(--grid);stroke-width:1}.zero{stroke:var(--zero);stroke-width:1}.year{stroke:var(--zero);stroke-width:1;stroke-dasharray:1 3}
.days{fill:none;stroke-width:.86}
.usual{fill:none;stroke:var(--ink);stroke-width:1.3;opacity:.85}.usual-halo{fill:none;stroke:var(--paper);stroke-width:3;opacity:.55}
.extreme{fill:var(--paper);stroke:var(--ink);stroke-width:1.6}
.rain{fill:var(--rain)}
.hover{fill:transparent}.hover:hover{fill:var(--ink);fill-opacity:.07}
.value{font-size:11.5px;font-variant-numeric:tabular-nums;pointer-events:none}
.cell:hover{stroke:var(--ink);stroke-width:1.5}
.band{opacity:.2}.edge{fill:none;stroke-width:2}
.band.seattle,.column.seattle{fill:var(--seattle)}.band.new_york,.column.new_york{fill:var(--new_york)}
.edge.seattle{stroke:var(--seattle)}.edge.new_york{stroke:var(--new_york)}
details{margin-top:52px;border-top:1px solid var(--zero);padding-top:14px}
summary{cursor:pointer;font-weight:600}
table{border-collapse:collapse;margin-top:14px;width:100%;font-size:14px;font-variant-numeric:tabular-nums}
.scroll{overflow-x:auto}
th,td{padding:4px 10px 4px 0;text-align:right;border-bottom:1px solid var(--grid);white-space:nowrap}
th{color:var(--soft);font-weight:500}
th:first-child,td:first-child,th:nth-child(2),td:nth-child(2){text-align:left}
footer{margin-top:44px;padding-top:16px;border-top:1px solid var(--zero);color:var(--soft);font-size:14px;max-width:none}
footer p{margin:0 0 6px;max-width:62em}
@media (max-width:640px){main{padding:32px 18px 48px}h1{font-size:32px}.facts .more{display:block;margin-left:0}}
@media print{main{padding:0}section{break-inside:avoid}}
"""
STYLE += "".join(f".a{index}{{fill:var(--a{index})}}.on-a{index}{{fill:var(--on-a{index})}}" for index in range(9))


def facts(cities, lines):
    """A small table of what one asks first; each line is a name and, for each city, a value and a remark."""
    parts = ['<div class="facts"><div></div>']
    for station, city in cities.items():
        parts.append(f'<div class="head"><i style="background:var(--{station})"></i>{html.escape(city)}</div>')
    for name, values in lines:
        parts.append(f'<div class="name">{html.escape(name)}</div>')
        for value, remark in values:
            more = f'<span class="more">{html.escape(remark)}</span>' if remark else ""
            parts.append(f"<div>{html.escape(value)}{more}</div>")
    return "".join(parts) + "</div>"


def section(title, words, drawing, place=""):
    """A figure with its title, a sentence on how to read it, and, when given, the name of the place."""
    beside = f'<span class="place">{html.escape(place)}</span>' if place else ""
    say = f'<p class="say">{html.escape(words)}</p>' if words else ""
    return f"<section><h2>{html.escape(title)}{beside}</h2>{say}<figure>{drawing}</figure></section>\n"


def table(title, columns, rows):
    """All numbers of the figures, for those who read numbers or listen to the page."""
    head = "".join(f"<th>{html.escape(column)}</th>" for column in columns)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(value)}</td>" for value in row) + "</tr>\n" for row in rows)
    inner = f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>\n{body}</tbody></table></div>'
    return f"<details><summary>{html.escape(title)}</summary>{inner}</details>"


def page(title, kicker, lead, body, footer):
    """The whole file; `lead` and `body` are HTML, the rest is text."""
    notes = "".join(f"<p>{html.escape(line)}</p>" for line in footer)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8"/>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>\n'
        f"<title>{html.escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        f'<p class="kicker">{html.escape(kicker)}</p>\n<h1>{html.escape(title)}</h1>\n<p class="lead">{lead}</p>\n'
        f"{body}\n<footer>{notes}</footer>\n</main>\n</body>\n</html>\n"
    )
