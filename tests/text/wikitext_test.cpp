#include <boost/test/unit_test.hpp>
#include <string>

#include "text/wikitext/cleaner.h"

namespace hpml::text {
namespace {

std::string clean(std::string_view page) {
    WikiSite site;
    site.add_namespace(6, "Datei");
    site.add_namespace(14, "Категория");
    site.add_namespace(4, "Wikipedia");
    WikitextCleaner cleaner(site);
    std::string text;
    cleaner.clean(page, text);
    return text;
}

BOOST_AUTO_TEST_SUITE(wikitext)

BOOST_AUTO_TEST_CASE(paragraphs_are_lines) {
    BOOST_TEST(clean("") == "");
    BOOST_TEST(clean("One.\n\n\nTwo  words. \n: Three.") == "One.\nTwo words.\nThree.\n");
    BOOST_TEST(clean("a\tb\n . - \n----\nc") == "a b\nc\n");
}

BOOST_AUTO_TEST_CASE(templates_go_with_all_within) {
    BOOST_TEST(clean("a {{t|x={{u}}|y}} b") == "a b\n");
    BOOST_TEST(clean("{{Infobox\n| a = [[b]]\n| c = {{d\n}}\n}}\nText.") == "Text.\n");
    BOOST_TEST(clean("a {{{1|default}}} b {{{{c}}}} d") == "a b d\n");
    BOOST_TEST(clean("a {{t|<nowiki>}}</nowiki>}} b") == "a b\n");
    BOOST_TEST(clean("a {{t|<!-- }} -->}} b") == "a b\n");
    BOOST_TEST(clean("a {{cite|<math>\\frac{{x}}}</math>}} b") == "a b\n");
}

BOOST_AUTO_TEST_CASE(what_templates_leave_behind_is_tidied) {
    BOOST_TEST(clean("Danube ({{lang|de|Donau}}; {{IPA|x}}) flows {{y}}, and") ==
               "Danube flows, and\n");
    BOOST_TEST(clean("Danube ({{lang|de}}, or Donau) flows") == "Danube (or Donau) flows\n");
}

BOOST_AUTO_TEST_CASE(an_unclosed_template_leaves_its_text) {
    BOOST_TEST(clean("a {{t|b c\n\nSecond {{u}} line.") == "a t|b c\nSecond line.\n");
    BOOST_TEST(clean("a }} b {{c}} d") == "a b d\n");
}

BOOST_AUTO_TEST_CASE(tables_go_with_tables_within) {
    BOOST_TEST(clean("a\n{| class=x\n|-\n| b\n{|\n| c\n|}\n! d\n|}\ne") == "a\ne\n");
    BOOST_TEST(clean("a\n:{|\n|b\n|}\nc") == "a\nc\n");
    BOOST_TEST(clean("a\n{|\n| {{t\n|}}\n|}\nb") == "a\nb\n");
}

BOOST_AUTO_TEST_CASE(of_an_unclosed_table_only_its_rows_go) {
    BOOST_TEST(clean("a\n{| class=x\n|-\n| b\n! c\n\nText.") == "a\nText.\n");
}

BOOST_AUTO_TEST_CASE(links_leave_their_labels) {
    BOOST_TEST(clean("[[Ulm]], [[Ulm|the city]]s and [[Ulm#History|''its'' past]]") ==
               "Ulm, the citys and its past\n");
    BOOST_TEST(clean("[[Star Trek: First Contact]] and [[Help:Links|help]]") ==
               "Star Trek: First Contact and help\n");
    BOOST_TEST(clean("[[a|b {{t}} c]] [[x|y") == "b c y\n");
    BOOST_TEST(clean("[[AT&amp;T]] [[]] [[|]]") == "AT&T\n");
}

BOOST_AUTO_TEST_CASE(the_pipe_trick_takes_the_name) {
    BOOST_TEST(clean("[[Mercury (planet)|]], [[Boston, Lincolnshire|]], [[Help:Names|]]") ==
               "Mercury, Boston, Names\n");
}

BOOST_AUTO_TEST_CASE(files_go_with_their_captions) {
    BOOST_TEST(clean("[[File:a.jpg|thumb|A [[b|c]] and [[File:d.png]] {{e}}.]]Text.") == "Text.\n");
    BOOST_TEST(clean("[[Image:a.jpg|[http://x.org the site]]] b") == "b\n");
    BOOST_TEST(clean("[[datei:a.jpg|x]]b [[Bild:c.jpg]]") == "b\n");
    BOOST_TEST(clean("see [[:File:a.jpg]]") == "see File:a.jpg\n");
}

BOOST_AUTO_TEST_CASE(categories_and_other_languages_go) {
    BOOST_TEST(clean("a\n[[Category:Rivers|Danube]]\n[[категория:Реки]]\n[[de:Donau]]\n"
                     "[[zh-min-nan:X]][[simple:Y]]") == "a\n");
    BOOST_TEST(clean("[[:Category:Rivers]] and [[:de:Donau|the German page]]") ==
               "Category:Rivers and the German page\n");
}

BOOST_AUTO_TEST_CASE(external_links_leave_their_labels) {
    BOOST_TEST(clean("[http://x.org/a?b=c the ''site''], [//y.org z] [http://x.org] end") ==
               "the site, z end\n");
    BOOST_TEST(clean("[[http://x.org a]] [sic] [") == "[a] [sic] [\n");
}

BOOST_AUTO_TEST_CASE(references_and_comments_go) {
    BOOST_TEST(clean("a<ref>b > c [[d]]</ref> e<ref name=\"x>y\" /> f<ref name=z/>.") ==
               "a e f.\n");
    BOOST_TEST(clean("a<REF NAME='b'>{{c}\n</Ref >d<!-- e\n\n -->f") == "adf\n");
    BOOST_TEST(clean("a<ref>never closed") == "anever closed\n");
    BOOST_TEST(clean("a\n<references>\n<ref>b</ref>\n</references>\nc<!-- unclosed") == "a\nc\n");
}

BOOST_AUTO_TEST_CASE(formulas_leave_placeholders) {
    BOOST_TEST(clean("if <math>a < b</math>, <math>\\frac{{1}}{2}</math>") ==
               "if formula_1, formula_2\n");
}

BOOST_AUTO_TEST_CASE(tags_go_and_their_text_stays) {
    BOOST_TEST(clean("H<sub>2</sub>O<br/>is <span style=\"x\">wet</span> <small>(y)</small>") ==
               "H2O is wet (y)\n");
    BOOST_TEST(clean("<div>a</div><p>b</p>c<blockquote>d</blockquote>") == "a\nb\nc\nd\n");
    BOOST_TEST(clean("a < b <c> d <unknown/>") == "a < b <c> d <unknown/>\n");
    BOOST_TEST(clean("a<gallery>b</gallery><timeline>c</timeline><pre>d</pre>"
                     "<syntaxhighlight lang=c>e</syntaxhighlight>f") == "af\n");
    BOOST_TEST(clean("a<table><tr><td><table>b</table></td></tr></table>c<ul><li>d</ul>e") ==
               "ace\n");
}

BOOST_AUTO_TEST_CASE(nowiki_is_literal) {
    BOOST_TEST(clean("<nowiki>[[a]] {{b}} ''c'' &lt;</nowiki> d<nowiki/>e") ==
               "[[a]] {{b}} ''c'' < de\n");
}

BOOST_AUTO_TEST_CASE(lists_go_and_indented_text_stays) {
    BOOST_TEST(clean("* a<blockquote>b</blockquote>c\n<div>d</div>") == "d\n");
    BOOST_TEST(clean("a\n* b\n** c {{d\n}} e\n# f\n; g\n: h\n:* i\n::j") == "a\nh\nj\n");
}

BOOST_AUTO_TEST_CASE(headings_stand_above_text_only) {
    BOOST_TEST(clean("a\n== B ==\n=== C ===\nd\n== E ==\n* f\n== G? ==<!-- x -->\nh\n=i") ==
               "a\nB.\nC.\nd\nG?\nh\n=i\n");
    BOOST_TEST(clean("== ''A'' {{b}} [[c|d]]<ref>e</ref> ==\nf") == "A d.\nf\n");
    BOOST_TEST(clean("== A ==\n=== B ===\n== C ==\nd\n==E==") == "C.\nd\n");
}

BOOST_AUTO_TEST_CASE(quotes_are_marks_from_two_on) {
    BOOST_TEST(clean("''a'' '''b''' '''''c''''' it's l''''un''' ''''''''x") ==
               "a b c it's l'un '''x\n");
}

BOOST_AUTO_TEST_CASE(magic_words_go) {
    BOOST_TEST(clean("__NOTOC__\na __FORCETOC__b snake__case__ __init__") ==
               "a b snake__case__ __init__\n");
}

BOOST_AUTO_TEST_CASE(entities_are_their_characters) {
    BOOST_TEST(
        clean("a&nbsp;b &ndash; &#233; &#x42; &amp;lt; &lt;b&gt; &unknown; & &#xD800; &#0;") ==
        "a b – é B &lt; <b> &unknown; & &#xD800; &#0;\n");
}

BOOST_AUTO_TEST_CASE(a_cleaner_can_be_used_again) {
    const WikiSite site;
    WikitextCleaner cleaner(site);
    std::string text;
    cleaner.clean("== H ==\n{{x <math>a</math>\n{|\n|y", text);
    text.clear();
    cleaner.clean("| z\n! a {{b}} <math>c</math>", text);
    BOOST_TEST(text == "! a formula_1\n");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hpml::text
