"""Words that tell how somebody feels, in German; as words_en."""

COMMON = "der die das und ist ich sie nicht ein eine zu mit es mir mich wir bei auf für dass hat habe haben von den dem was wie"
DENIES = """
nicht kein keine keinen keinem keiner keines keinerlei nie niemals niemand nichts ohne weder kaum nirgends nirgendwo
"""
STRONGER = """
sehr wirklich so extrem absolut total völlig vollkommen komplett unglaublich äußerst überaus besonders ganz zu höchst
ausgesprochen richtig echt wahnsinnig mega super endlos restlos
"""
WEAKER = "etwas bisschen wenig leicht halbwegs ziemlich einigermaßen teilweise eher fast"
GREAT = """
ausgezeichnet* hervorragend* fantastisch* wunderbar* großartig* genial* brillant* perfekt* exzellent* begeistert* begeistern*
traumhaft* spitze spitzen* klasse toll tolle toller tolles tollen phänomenal* überragend* vorbildlich* vorzüglich* liebe
lieben sensationell* makellos* tadellos* einwandfrei* unschlagbar* beste bester bestens besten herausragend* überglücklich*
"""
GOOD = """
gut gute guten guter gutes danke dank dankbar* dankeschön bedanke bedanken freundlich* freue freuen freut freude erfreut* erfreulich*
froh glücklich* zufrieden* zufriedenheit hilfreich* hilft geholfen hilfsbereit* nett nette netten netter schnell* zügig* prompt*
rasch* höflich* kompetent* professionell* zuverlässig* verlässlich* einfach* leicht* mühelos* reibungslos* unkompliziert*
gelöst behoben erledigt funktioniert funktionierte klappt klappte geklappt läuft empfehle empfehlen empfehlenswert* weiterempfehl*
fair* ehrlich* klar* verständlich* verständnisvoll* bequem* angenehm* sympathisch* aufmerksam* geduldig* großzügig* kulant*
kulanz vertrauen vertrauenswürdig* erleichtert erleichterung verbessert* verbesserung* erfolg erfolgreich* gelungen* schön*
super prima lob loben lobe bravo glückwunsch* gerne gefällt gefallen günstig* preiswert* sauber* pünktlich* übersichtlich*
positiv* lieb lieber herzlich* stark sicher besser lohnt wertvoll* nützlich* praktisch* sorgfältig* gründlich* engagiert* top
bemüht entgegenkommend* dankenswert* beeindruck* überzeugt* überzeugend*
"""
BAD = """
schlecht* problem* fehler* fehlerhaft* mangelhaft* mangel mängel defekt* kaputt* beschädigt* schaden ausfall* ausgefallen
gestört* störung* langsam* spät verspät* verzöger* warte warten wartet gewartet wartezeit* fehlt fehlen fehlend* verloren falsch* unklar*
verwirr* schwierig* kompliziert* umständlich* beschwer* reklamation* reklamier* unzufrieden* traurig* ärger* verärger* ärgerlich*
nerv* genervt* nervig* enttäusch* sorge sorgen besorgt* unmöglich* leider bedauer* verweiger* abgelehnt ablehn* ignorier* unbeantwortet*
ungelöst* unfreundlich* unhöflich* unprofessionell* unzuverlässig* ungerecht* unfair* überteuert* teuer* versteckt* kündig*
gekündigt stornier* widerruf* rückerstattung abgestürzt abstürz* absturz* stürzt hängt eingefroren blockiert* gesperrt* nutzlos* unbrauchbar*
sinnlos* chaos chaotisch* schmutzig* dreckig* schlampig* nachlässig* schwach* ausrede* irreführ* irrtum irrtümlich* müde zweifel* bereue
bereuen stress* stressig* frustrier* frust mühsam* leid schmerz* angst ängstlich* unerwünscht* unverständ* vergeblich* erfolglos* umsonst
überfällig* unerreichbar* hingehalten vertröst* abgewimmelt inkompeten* ahnungslos* hilflos* unsauber* undicht* kratzer ungenügend*
unzureichend* unangenehm* unpünktlich* mehrfach* wiederholt* erneut schade schlimm* schlimmer misslungen* nachteil* lästig* abgezockt
doppelt unberechtigt* ungefragt* verschwunden verärgert zurückgewiesen
"""
AWFUL = """
furchtbar* schrecklich* entsetzlich* katastroph* grauenhaft* grauenvoll* widerlich* ekelhaft* hasse hassen wütend* wut zornig* stinksauer
sauer empör* unverschämt* unverschämtheit frech* frechheit skandal* skandalös* betrug* betrüg* betrogen abzocke* abzocker* lüge* lügen gelogen
belogen gestohlen diebstahl klau* geklaut anwalt* anwält* rechtsanwalt* klage verklag* gericht* polizei anzeige verbraucherzentrale*
verbraucherschutz* schande schändlich* peinlich* lächerlich* erbärmlich* miserabel* miserabl* unterirdisch* untragbar* inakzeptabel*
unzumutbar* unfassbar* albtraum* alptraum* horror desaster* schrott mist müll scheiß* scheiss* verdammt* saftladen witz verarsch*
zumutung beleidig* demütig* respektlos* verzweifel* droh* abartig* hölle schweinerei sauerei schlimmste* schlechteste* dreist*
"""
PHRASES = {
    "kein problem": 1.0, "gar kein problem": 1.0, "keine sorge": 1.0, "nicht schlecht": 1.0, "vielen dank im voraus": 0.0,
    "danke im voraus": 0.0, "funktioniert nicht": -1.5, "geht nicht": -1.5, "klappt nicht": -1.5, "läuft nicht": -1.5,
    "funktioniert nicht mehr": -1.5, "geht nicht mehr": -1.5, "es reicht": -2.0, "mir reicht es": -2.0, "nie wieder": -2.0,
    "die nase voll": -2.0, "geduld am ende": -2.0, "am ende meiner geduld": -2.0, "zum dritten mal": -1.5, "zum vierten mal": -1.5,
    "schon wieder": -1.5, "immer noch": -1.0, "noch immer": -1.0, "keine antwort": -1.5, "keine rückmeldung": -1.5,
    "niemand antwortet": -1.5, "guten tag": 0.0, "guten morgen": 0.0, "guten abend": 0.0, "liebe grüße": 0.0, "lieben gruß": 0.0,
    "mit freundlichen grüßen": 0.0, "freundliche grüße": 0.0, "herzliche grüße": 0.0, "beste grüße": 0.0, "viele grüße": 0.0,
    "sehr geehrte": 0.0, "freundlichen grüßen": 0.0, "würde gerne": 0.0, "möchte gerne": 0.0, "hätte gerne": 0.0,
    "tut mir leid": 0.0, "wie lange": 0.0, "so schnell wie möglich": -0.5, "vielen dank": 1.0, "gut gemacht": 2.0,
    "weiter so": 2.0, "geht wieder": 1.5, "funktioniert wieder": 1.5, "alles bestens": 2.0, "viel zu": -1.0, "lässt zu wünschen": -1.5,
    "liebes team": 0.0, "zu spät": -1.5, "im stich gelassen": -2.0, "einfach nur": 0.0, "fünf sterne": 2.0, "ein stern": -2.0,
}  # fmt: skip
