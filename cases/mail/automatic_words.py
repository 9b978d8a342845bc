"""What machines put into subjects and texts, by language. Compared as `plain` writes it: case, accents and spacing apart.

A subject counts when it begins with the words and ends or goes on with a colon; a text when it holds them. Neither is
enough alone: people write about being away, too.
"""

import re
import unicodedata

AWAY_SUBJECTS = {
    "en": "automatic reply|auto reply|auto-reply|autoreply|automatic response|auto response|auto-response|autoresponse"
    "|automated reply|automated response|out of office|out of the office|out of office autoreply|out of office reply"
    "|out of office message|out of office notification|ooo|vacation reply"
    "|on annual leave|away from my mail|away from the office|i am out of the office|i'm out of the office"
    "|i am currently out of the office",
    "de": "automatische antwort|autoantwort|automatische ruckantwort|abwesenheitsnotiz|abwesenheit|abwesend"
    "|abwesenheitsmeldung|abwesenheitsassistent|ich bin nicht im buro|nicht im buro|außer haus"
    "|ich bin im urlaub|automatische abwesenheitsnotiz",
    "fr": "reponse automatique|absence du bureau|absent du bureau|message d'absence"
    "|je suis absent|absente du bureau|hors du bureau|notification d'absence",
    "es": "respuesta automatica|fuera de la oficina|fuera de oficina|ausente|estoy de vacaciones",
    "it": "risposta automatica|fuori ufficio|fuori sede|assenza dall'ufficio|assente|sono in ferie",
    "pt": "resposta automatica|fora do escritorio|ausencia temporaria|ausente|estou de ferias",
    "nl": "automatisch antwoord|automatische antwoord|automatische reactie|afwezig|afwezigheid|afwezigheidsbericht"
    "|niet aanwezig|niet op kantoor|buiten kantoor",
    "sv": "autosvar|automatiskt svar|franvaro|franvarande|ej pa kontoret|inte pa kontoret|franvaromeddelande",
    "da": "automatisk svar|autosvar|fravaer|fravaerende|ikke til stede|ikke pa kontoret|fraværende|fravær",
    "nb": "automatisk svar|autosvar|fraværsmelding|fravær|fravaersmelding|ikke til stede|ikke pa kontoret",
    "fi": "automaattinen vastaus|poissaoloilmoitus|poissaolo|poissa|poissa toimistolta|olen lomalla",
    "pl": "odpowiedz automatyczna|automatyczna odpowiedz|autoodpowiedz|poza biurem|nieobecnosc|nieobecny|nieobecna",
    "cs": "automaticka odpoved|mimo kancelar|nepritomnost|nepritomen",
    "sk": "automaticka odpoved|mimo kancelarie|nepritomnost",
    "hu": "automatikus valasz|hazon kivul|irodan kivul|szabadsagon vagyok",
    "ro": "raspuns automat|absent din birou",
    "tr": "otomatik yanıt|otomatik yanit|otomatik cevap|ofis dısında|ofis dısındayım|ofis disinda|izindeyim",
    "el": "αυτοματη απαντηση|εκτος γραφειου|απουσια",
    "ru": "автоматическии ответ|автоответ|автоответчик|нет на работе|вне офиса|отсутствую",
    "uk": "автоматична відповідь|автовідповідь|поза офісом",
    "ja": "自動応答|自動返信|自動返答|不在通知|不在|不在のお知らせ",
    "zh": "自动答复|自动回复|自動回覆|自動回复|自動答覆|不在办公室|不在辦公室|外出通知",
    "ko": "자동 회신|자동 응답|자동 답장|자동회신|부재중|부재 중|부재 중 알림",
    "ar": "رد تلقائي|الرد التلقائي|خارج المكتب",
    "he": "תשובה אוטומטית|מענה אוטומטי|מחוץ למשרד",
}

AWAY_TEXTS = {
    "en": "out of office|out of the office|on vacation|on holiday|on annual leave|on leave|on parental leave"
    "|on maternity leave|away from my desk|away from the office|limited access to e|limited access to my e"
    "|no access to e|no access to my e|not be checking|i will be away|i am away|i'm away|when i return|upon my return"
    "|on my return|i will be back|automatic reply|automated reply|automatic response|automated response|automatic message"
    "|automated message|thank you for your e|thank you for your message|thanks for your e|thanks for your message"
    "|received your e|received your message",
    "de": "nicht im buro|nicht im hause|außer haus|im urlaub|in urlaub|abwesend|nicht erreichbar|nicht gelesen|wieder im buro"
    "|wieder da|wieder erreichbar|ab dem|nicht weitergeleitet|dringenden fallen|automatische|vielen dank fur ihre"
    "|danke fur ihre|ihre nachricht erhalten|elternzeit",
    "fr": "absent|en conge|en vacances|hors du bureau|de retour|mon retour|en cas d'urgence|message automatique"
    "|reponse automatique|bien recu votre|accuse de reception|indisponible",
    "es": "fuera de la oficina|fuera de oficina|de vacaciones|ausente|estare de vuelta|mi regreso|mi vuelta|acceso limitado"
    "|respuesta automatica|mensaje automatico|caso de urgencia|caso urgente|gracias por su|gracias por tu|hemos recibido su",
    "it": "fuori ufficio|in ferie|assente|al mio rientro|rientrero|saro di ritorno|accesso limitato|risposta automatica"
    "|messaggio automatico|in caso di urgenza|per urgenze|ho ricevuto|grazie per",
    "pt": "fora do escritorio|de ferias|em ferias|ausente|meu regresso|meu retorno|estarei de volta|acesso limitado"
    "|resposta automatica|mensagem automatica|em caso de urgencia|assuntos urgentes|recebemos",
    "nl": "niet aanwezig|afwezig|niet op kantoor|buiten kantoor|met vakantie|op vakantie|weer aanwezig|weer bereikbaar|terug op"
    "|mijn terugkomst|beperkt toegang|automatisch|dringende|spoedgevallen|bedankt voor uw",
    "sv": "pa semester|inte pa kontoret|ej pa kontoret|franvarande|ar ledig|tjanstledig|foraldraledig|ar tillbaka|ater pa"
    "|automatiskt|bradskande|tack for ditt",
    "da": "pa ferie|ikke pa kontoret|ikke til stede|fraværende|er tilbage|tilbage igen|automatisk|haster|hastesager|tak for din",
    "nb": "pa ferie|ikke pa kontoret|ikke til stede|fraværende|er tilbake|tilbake igjen|automatisk|haster|takk for din",
    "fi": "lomalla|poissa|en ole toimistolla|palaan|automaattinen|kiireellis|kiitos viestist",
    "pl": "poza biurem|na urlopie|nieobecn|wracam|bede dostepn|powrocie|automatyczna|pilnych|dziekuje za",
    "cs": "mimo kancelar|na dovolene|nepritom|nejsem v kancelari|vratim|automatick|nalehav|urgentnich|dekuji za",
    "sk": "mimo kancelarie|na dovolenke|nepritom|vratim|automatick|nalieh|dakujem za",
    "hu": "hazon kivul|irodan kivul|szabadsagon|tavol vagyok|vagyok ujra|visszaterek|automatikus|surgos|koszonom",
    "ro": "in concediu|nu sunt la birou|absent|voi reveni|revin|automat|urgente|multumesc pentru",
    "tr": "ofis dısında|ofis disinda|ofiste degil|ofiste olmayac|izinde|donecegim|dondugumde|otomatik|acil durum|mesajınız",
    "el": "εκτος γραφειου|σε αδεια|απουσιαζω|επιστρεφω|επιστροφη μου|θα επιστρεψω|αυτοματ|επειγον",
    "ru": "вне офиса|в отпуске|отсутству|нет на работе|вернусь|вернутьс|автоматическ|срочн|ваше письмо|спасибо за",
    "uk": "поза офісом|у відпустці|відсутн|повернуся|автоматичн|термінов|дякую за",
    "ja": "不在|休暇|外出|休業|席を外し|自動返信|自動応答|自動的に|戻り次第|ご連絡いたします|緊急",
    "zh": "不在办公室|不在辦公室|外出|休假|出差|度假|自动回复|自動回覆|自动答复|回来后|返回后|紧急|緊急|已收到",
    "ko": "부재중|부재 중|휴가|출장|자동|복귀|긴급|자리를 비",
    "ar": "خارج المكتب|في إجازة|اجازة|تلقائي|عودتي|عند عودتي|للحالات العاجلة",
    "he": "מחוץ למשרד|בחופשה|אוטומטי|אחזור|לחזור|במקרה דחוף|דחופים",
}

READ_SUBJECTS = (
    "read|gelesen|lu|leido|letto|lido|lida|gelezen|last|læst|laest|lest|luettu|przeczytane|przeczytano|precteno"
    "|precitane|elolvasva|citit|okundu|αναγνωσθηκε|прочитано|прочтено|開封済み|既読|已读|已讀|읽음|تمت القراءة|נקרא"
    "|not read|ungelesen geloscht|non lu|no leido|read receipt|return receipt (displayed)|return receipt"
    "|lesebestatigung|empfangsbestatigung (angezeigt)|confirmation de lecture|accuse de reception (affiche)"
    "|confirmacion de lectura|conferma di lettura|leesbevestiging"
)

DELIVERED_SUBJECTS = (
    "delivered|relayed|expanded|zugestellt|ubermittelt|weitergeleitet|remis|relaye|entregado|retransmitido|consegnato"
    "|entregue|afgeleverd|bezorgd|levererat|leveret|levert|toimitettu|dostarczono|delivery status notification (success)"
    "|successful mail delivery report|delivery receipt|delivery confirmation"
)

BOUNCE_SUBJECTS = (
    "undelivered mail returned to sender|undeliverable|undelivered|undeliverable mail|undelivered mail"
    "|undeliverable message|returned mail|returned to sender|mail delivery failed|mail delivery failure"
    "|mail delivery failed: returning message to sender|mail delivery system|mail delivery subsystem|mail system error"
    "|delivery failure|delivery failed|delivery notification|delivery error|delivery report|delivery delayed"
    "|delayed mail (still being retried)|delayed|delivery status notification (failure)|delivery status notification"
    "|delivery status notification (delay)|delivery incomplete|message delivery failure|message undeliverable"
    "|message status - undeliverable|non-delivery report|non delivery report|failure notice|failure delivery"
    "|warning: could not send message for past|warning: message|mail could not be delivered|could not deliver"
    "|unable to deliver your message|rejected|email rejected|message not delivered|user unknown|mailbox unavailable"
    "|unzustellbar|unzustellbare nachricht|nicht zugestellt|nicht zustellbar|fehler bei der zustellung"
    "|zustellung fehlgeschlagen|ihre nachricht konnte nicht zugestellt werden|verzogerte zustellung"
    "|non remis|non remise|message non delivre|echec de la remise|echec de remise|message non distribuable"
    "|no se puede entregar|no entregable|no entregado|error de entrega|correo devuelto|mensaje no entregado"
    "|non recapitabile|impossibile recapitare|mancata consegna|mancato recapito|consegna non riuscita"
    "|nao e possivel entregar|nao entregue|falha na entrega|nao foi possivel entregar|erro de entrega"
    "|niet te bezorgen|onbestelbaar|niet bezorgd|kan niet worden bezorgd|niet afgeleverd"
    "|det gar inte att leverera|kunde inte levereras|olevererbart|oleveret|kan ikke leveres|kunne ikke leveres"
    "|toimittaminen epaonnistui|ei voi toimittaa|niedostarczalne|nie mozna dostarczyc|niedostarczona wiadomosc"
    "|nedorucitelne|nedoruceno|nelze dorucit|nem kezbesitheto|nu a putut fi livrat|teslim edilemedi"
    "|αδυναμια παραδοσης|не удается доставить|недоставлено|не доставлено|сообщение не доставлено|не доставлене"
    "|配信不能|配信不能メール|配信できませんでした|未配信|无法投递|未送达|無法傳遞|退信|系统退信|배달되지 않음|반송된 메일"
    "|غير قابل للتسليم|לא ניתן למסירה"
)

BOUNCE_TEXTS = (
    "this is the qmail-send program|this message was created automatically by mail delivery software"
    "|this is the mail system at host|could not be delivered|couldn't be delivered|delivery to the following recipient"
    "|delivery has failed|the following addresses had permanent fatal errors|permanent error|permanent failure"
    "|did not reach the following recipient|undeliverable|message was not delivered|user unknown|no such user"
    "|mailbox unavailable|mailbox full|mailbox is full|over quota|konnte nicht zugestellt werden|n'a pas pu etre"
    "|no se pudo entregar|no se ha podido entregar|non e stato possibile|nao pode ser entregue|kon niet worden"
    "|kunde inte levereras|kunne ikke leveres|не может быть доставлено|не удалось доставить|配信できません|无法投递"
)

CHALLENGE_SUBJECTS = (
    "please confirm your message|please confirm|please verify your e-mail|please verify your email|verification required"
    "|verify your message|sender verification|confirm your email to|action required to deliver your|challenge"
    "|your message is awaiting verification|your message requires verification|message awaiting your confirmation"
    "|please prove you are human|boxbe|spam arrest"
)
CHALLENGE_TEXTS = (
    "to deliver your message|to have your message delivered|to ensure delivery|your message will be delivered"
    "|your message has been held|your message is being held|message has been quarantined until|before it can be delivered"
    "|to be added to|approved senders|allowed senders|one-time confirmation|one time confirmation|one-time verification"
    "|click the link below to verify|click on the link below to verify|reply to this message to confirm"
    "|prove that you are|not an automated|to complete this verification"
)


def plain(text: str) -> str:
    """One spelling to compare by: no accents (they are often lost), small letters, single spaces."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", text.replace("’", "'")) if not unicodedata.combining(c))
    return " ".join(unicodedata.normalize("NFC", bare.replace("ß", "\0").casefold().replace("\0", "ß")).split())


def before_quotes(text: str) -> str:
    """What is said here: a person who answers a machine quotes its words, and a bounce returns ours."""
    return re.split(r"^\s*>|^-{2,} ?\w", text, maxsplit=1, flags=re.MULTILINE)[0]


def begins(words: str) -> re.Pattern[str]:
    """Matches a plain subject that is one of `words`, perhaps in brackets, or goes on after a colon or with “Re:”."""
    goes_on = r"[:：].*|[-–—|]?\s*(?:re|aw|antw|sv|vs|odp|res|rv|tr|fwd?)\s*:.*"
    return re.compile(rf"[\[(【]?(?:{_any(words)})[\])】]?\s*(?:{goes_on}|[.!]?$|[\])】].*)", re.DOTALL)


def holds(words: str) -> re.Pattern[str]:
    return re.compile(_any(words))


def _any(words: str) -> str:
    return "|".join(sorted((re.escape(plain(w)) for w in words.split("|")), key=len, reverse=True))
