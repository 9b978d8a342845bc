"""What mail programs write around an answer, in the languages of the world: the words `quoting` knows them by.

Everything here is in lower case, and is compared with lower-cased text.
"""

import re

# "On Tuesday Ana wrote:" ends so, or has it in its middle ("Am Dienstag schrieb Ana:").
_WROTE = """
wrote|writes|has written|posted|schrieb|schreibt|hat geschrieben|geschrieben|a écrit|ecrit|écrit|écrivait|escribió|escribio|ha escrito
escreveu|escreveram|escrito por|ha scritto|scrive|scrisse|schreef|schrijft|geschreven|het geskryf|skrev|skriver|skreiv|skrifaði|kirjoitti
napisał|napisała|napisał(a)|pisze|napsal|napsala|napsal(a)|napísal|napísala|napísal(a)|napisao|napisala|napisao/la|piše|napisal
написал|написала|написал(а)|писал|пишет|написав|написала|написав(-ла)|пише|написа|напиша|је написао|је написала
a scris|írta|yazdı|yazmış|έγραψε|kirjutas|rakstīja|rašė|va escriure|ha escrit|escribiu|idatzi du|ysgrifennodd|scríobh|shkroi
menulis|tulis|đã viết|viết|skribis|scripsit|жазды|գրել է|isinulat ni|aliandika
"""
# Scripts without spaces between words, or with prefixes glued to them.
_WROTE_ANYWHERE = """
写道|寫道|写了|写到|來信|来信|のメール|書きました|作成|작성|님이 쓴|썼습니다|بكتابة|كتب|كتبت|نوشت|כתב|כתבה|מאת|लिखा|লিখেছেন|เขียน|დაწერა
"""


def _either(*lists: str) -> str:
    words = {word.strip() for text in lists for line in text.split("\n") for word in line.split("|") if word.strip()}
    return "|".join(re.escape(word) for word in sorted(words, key=lambda w: (-len(w), w)))


WROTE = re.compile(rf"(?<!\w)(?:{_either(_WROTE)})(?!\w)|{_either(_WROTE_ANYWHERE)}")

# The lines mail programs repeat from a mail's head.
_LABELS = {
    "from": """
from|von|absender|de|expéditeur|remitente|remetente|da|mittente|van|afzender|från|avsändare|fra|frå|avsender|afsender|lähettäjä
od|nadawca|odesílatel|odosielateľ|pošiljatelj|šalje|от|от кого|отправитель|від|відправник|од|kimden|gönderen|feladó|de la|expeditor
από|saatja|no|nuo|sūtītājs|nga|dari|pengirim|từ|người gửi|จาก|发件人|發件人|寄件者|寄件人|差出人|送信者|送信元|보낸 사람|보낸사람|발신|من|مِن|از
מאת|प्रेषक|থেকে|frá|gan|remitent
""",
    "date": """
sent|date|sent at|sent on|gesendet|gesendet am|datum|envoyé|envoyé le|date d'envoi|enviado|enviado el|enviado em|enviada em|enviada|fecha
data|inviato|inviata|data invio|verzonden|verzonden op|verstuurd|skickat|sendt|dato|lähetetty|päivämäärä|päiväys|wysłano|wysłane
data wysłania|odesláno|dátum|odoslané|poslano|poslato|отправлено|дата|дата отправки|надіслано|tarih|gönderildi|gönderme tarihi|küldve
elküldve|trimis|trimis la|στάλθηκε|ημερομηνία|saadetud|kuupäev|nosūtīts|datums|išsiųsta|tanggal|dikirim|ngày|đã gửi|gửi|วันที่|ส่ง|发送时间|发送日期|日期
时间|寄件日期|傳送時間|日時|送信日時|送信日|날짜|보낸 날짜|보낸날짜|보낸 시간|تاريخ|التاريخ|تم الإرسال|تاریخ|נשלח|תאריך|दिनांक|dagsetning|sendt den
""",
    "to": """
to|an|empfänger|à|a|destinataire|para|destinatario|destinatário|aan|ontvanger|till|mottagare|til|mottaker|modtager|vastaanottaja
kenelle|do|komu|adresat|za|prima|primatelj|кому|получатель|до|за|kime|alıcı|címzett|către|catre|προς|kellele|saaja|kam|kepada|ke|tới
đến|người nhận|ถึง|收件人|收件者|宛先|받는 사람|받는사람|수신|إلى|الى|به|אל|נמען|प्रति|k|към|per a
""",
    "cc": """
cc|kopie|kopie (cc)|copie|copie à|copia|cópia|kopia|kopi|kopio|копия|копія|bilgi|másolatot kap|másolat|κοιν|koopia|tembusan|抄送|副本|複本
参照|참조|نسخة|עותק|bcc|cci|cco|ccn|dw|udw|kopija|skryta kopie
""",
    "subject": """
subject|betreff|betr|objet|sujet|asunto|assunto|oggetto|onderwerp|ämne|emne|aihe|otsikko|temat|předmět|predmet|тема|konu|tárgy|subiect
θέμα|teema|pealkiri|temats|tēma|tema|subjek|perihal|chủ đề|tiêu đề|เรื่อง|หัวเรื่อง|主题|主題|主旨|标题|件名|題名|제목|الموضوع|موضوع|נושא|विषय
naslov|zadeva|предмет|относно|efni|assumpte|gaia|lënda
""",
    "other": """
reply-to|reply to|antwort an|antworten an|répondre à|responder a|risposta|rispondi a|beantwoorden|svara till|svar til|odpowiedz do
ответить|importance|wichtigkeit|priorität|priority|attachments|anhänge|anlagen|pièces jointes|allegati|bijlagen|organization|mailing list
""",
}
LABELS = {
    label.strip(): role
    for role, text in _LABELS.items()
    for label in text.replace("\n", "|").split("|")
    if label.strip()
}

# Between dashes, or above a repeated head.
_ORIGINAL = """
original message|original mail|original email|original appointment|reply message|previous message|original text|ursprüngliche nachricht
originalnachricht|original-nachricht|original nachricht|ursprüngliche e-mail|urspr. nachricht|message d'origine|message original
message initial|message d’origine|mensaje original|mensagem original|messaggio originale|messaggio originario|oorspronkelijk bericht
origineel bericht|originele bericht|oorspronkelijke bericht|oorspronklike boodskap|ursprungligt meddelande|originalmeddelande
oprindelig meddelelse|original meddelelse|oprindelig besked|opprinnelig melding|original melding|opphavleg melding|upprunaleg skilaboð
alkuperäinen viesti|oryginalna wiadomość|wiadomość oryginalna|wiadomość pierwotna|původní zpráva|originální zpráva|pôvodná správa
исходное сообщение|оригинальное сообщение|исходное письмо|первоначальное сообщение|вихідне повідомлення|оригінальне повідомлення
orijinal mesaj|orijinal ileti|özgün ileti|asıl mesaj|eredeti üzenet|mesajul original|mesaj original|mesajul inițial|αρχικό μήνυμα
izvorna poruka|originalna poruka|izvorno sporočilo|оригинална порука|изворна порака|оригинално съобщение|algne sõnum|originaalkiri
sākotnējais ziņojums|pradinis laiškas|originalus laiškas|missatge original|mensaxe orixinal|jatorrizko mezua|pesan asli|mesej asal
thư gốc|tin nhắn gốc|ข้อความต้นฉบับ|原始邮件|原邮件|邮件原件|原始郵件|原始信件|原始訊息|元のメッセージ|元のメール|원본 메시지|원본 메일|الرسالة الأصلية
رسالة أصلية|پیام اصلی|הודעה מקורית|ההודעה המקורית|मूल संदेश
"""
_FORWARDED = """
forwarded message|forwarded mail|forwarded email|forwarded by|begin forwarded message|start of forwarded message|weitergeleitete nachricht
anfang der weitergeleiteten nachricht|anfang der weitergeleiteten e-mail|beginn der weitergeleiteten nachricht|weitergeleitete e-mail
message transféré|message transmis|début du message transféré|début du message réexpédié|message réexpédié|mensaje reenviado
inicio del mensaje reenviado|mensagem encaminhada|mensagem reencaminhada|início da mensagem encaminhada|início da mensagem reencaminhada
messaggio inoltrato|inizio messaggio inoltrato|doorgestuurd bericht|begin doorgestuurd bericht|vidarebefordrat meddelande
vidarebefordrat brev|vidarebefordrat mejl|vidarebefordrat mail|videresendt besked|videresendt meddelelse|videresendt melding
videresendt e-post|start på videresendt besked|start på videresendt melding|välitetty viesti|välitetty viesti alkaa|wiadomość przekazana
przekazana wiadomość|początek przekazanej wiadomości|początek wiadomości przekazanej dalej|přeposlaná zpráva|začátek přeposílané zprávy
preposlaná správa|začiatok preposlanej správy|пересылаемое сообщение|пересланное сообщение|пересылаемое письмо|пересланное письмо
начало переадресованного сообщения|начало пересылаемого сообщения|пересилане повідомлення|переслане повідомлення
початок переадресованого повідомлення|yönlendirilen mesaj|yönlendirilmiş ileti|iletilen mesaj|iletilmiş mesaj|iletilen mesaj başlangıcı
yönlendirilen ileti|továbbított üzenet|továbbított levél|továbbított levél kezdete|mesaj redirecționat|mesaj redirectat
început mesaj redirecționat|προωθημένο μήνυμα|έναρξη προωθημένου μηνύματος|proslijeđena poruka|prosleđena poruka
početak proslijeđene poruke|posredovano sporočilo|препратено съобщение|edasi saadetud kiri|edastatud sõnum|pārsūtīta ziņa
persiųstas laiškas|missatge reenviat|mensaxe reenviada|pesan yang diteruskan|pesan terusan|mesej dimajukan|thư đã chuyển tiếp
tin nhắn đã chuyển tiếp|thư được chuyển tiếp|ข้อความที่ส่งต่อ|转发的邮件|转发邮件|已转发的邮件|开始转发邮件|以下是转发的邮件|轉寄的郵件|轉寄郵件|開始轉寄郵件
已轉寄的郵件|転送メッセージ|転送されたメッセージ|転送されたメール|전달된 메시지|전달된 메일|الرسالة المعاد توجيهها|رسالة معاد توجيهها|بدء الرسالة المعاد توجيهها
رسالة مُعاد توجيهها|הודעה שהועברה|תחילת הודעה שהועברה|פורסם במקור|अग्रेषित संदेश
"""
_ABOVE = """
please reply above this line|reply above this line|please type your reply above this line|write your reply above this line
bitte antworten sie oberhalb dieser linie|bitte oberhalb dieser linie antworten|antworten sie oberhalb dieser zeile
répondez au-dessus de cette ligne|veuillez répondre au-dessus de cette ligne|responda por encima de esta línea
escriba su respuesta por encima de esta línea|responda acima desta linha|rispondi sopra questa riga|scrivi la risposta sopra questa riga
antwoord boven deze lijn|typ uw antwoord boven deze regel|svara ovanför denna rad|svar over denne linje|skriv svaret ditt over denne linjen
vastaa tämän rivin yläpuolelle|odpowiedz powyżej tej linii|ответьте выше этой строки|bu satırın üstüne yanıt yazın
请在此行上方回复|この行より上に返信してください|이 줄 위에 회신하세요
"""


def _phrases(text: str) -> frozenset[str]:
    return frozenset(p.strip() for p in text.replace("\n", "|").split("|") if p.strip())


ORIGINAL, FORWARDED, ABOVE = _phrases(_ORIGINAL), _phrases(_FORWARDED), _phrases(_ABOVE)

# "Sent from my telephone": how it is said, and what makes it a machine's word (a device, a program, "my").
_SENT_BEFORE = """
sent from|sent via|sent using|sent with|sent by|sent on|sent through|composed on|gesendet von|gesendet mit|gesendet über|gesendet aus
von meinem|von meiner|aus meinem|diese nachricht wurde von|diese nachricht wurde mit|diese e-mail wurde von|diese mail wurde von
envoyé de|envoyé depuis|envoyé à partir|envoyé avec|envoyé via|envoyé par|envoyée de|envoyée depuis|enviado desde|enviado de|enviado do
enviado da|enviado a partir|enviado con|enviado com|enviado via|enviado por|enviado através|inviato da|inviato dal|inviato con
inviato tramite|inviata da|verstuurd vanaf|verstuurd met|verstuurd via|verstuurd van|verzonden vanaf|verzonden met|verzonden via
verzonden van|gestuur vanaf|gestuur van|skickat från|skickat med|skickat via|sendt fra|sendt via|sendt med|sent frå|sendt frå|sent úr|lähetetty
wysłano z|wysłane z|wysłany z|odesláno z|odesláno ze|odoslané z|odoslané zo|poslané z|poslano s|poslano sa|poslano z|poslano iz|poslato sa
отправлено с|отправлено из|отправлено от|отправлено через|послано с|надіслано з|надіслано із|надіслано від|відправлено з|изпратено от
trimis de pe|trimis din|trimis de la|στάλθηκε από|εστάλη από|saadetud|nosūtīts no|išsiųsta iš|enviat des|bidalita|dikirim dari|dihantar dari
gửi từ|được gửi từ|ส่งจาก|发自|發自|从我的|從我的|來自我的|来自我的|تم الإرسال من|أرسلت من|أُرسلت من|أرسل من|مرسل من|נשלח מ|ارسال شده از
"""
_SENT_AFTER = """
gesendet|verschickt|gesandt|gönderildi|küldve|elküldve|から送信|より送信|から送信されました|에서 보냄|에서 보냈습니다|에서 전송됨|发送|傳送|送信|から送付
"""
SENT = re.compile(rf"(?:{_either(_SENT_BEFORE)})|.*(?:{_either(_SENT_AFTER)})\W*$")
DEVICE = re.compile(
    r"iphon|ipad|ipod|android|galaxy|samsung|huawei|xiaomi|redmi|nokia|blackberry|windows|outlook|gmail|yahoo|icloud|proton|k-9|fairemail"
    r"|\bmail\b|\bemail\b|phone\b|handy|smartphone|mobil|móvil|movil|celular|tablet|telefon|téléphone|teléfono|telemóvel|cellulare|téléfono"
    r"|portable|telefoon|puhelin|verizon|t-mobile|\bhtc\b|xperia|motorola|pixel|oneplus|\bapp\b|\bgmx\b|web\.de|\baol\b|\bpc\b|\bmac\b"
    r"|device|gerät|appareil|dispositiv|urządzeni|zařízení|айфон|устройств|телефон|смартфон|почт|mail\.ru|手机|手機|邮箱|信箱|携帯|スマート|휴대|هاتف|טלפון"
    r"|\bmy\b|\bmein|\bmon\b|\bma\b|\bmi\b|\bmio\b|\bmia\b|\bmeu\b|\bminha\b|\bmijn\b|\bmin\b|\bmitt\b|\bmoj|\bmého\b|\bmoje|моего|моей|мого|моєї"
    r"|我的|나의|\b내\b"
)

# What somebody says above a mail they answer within or below.
BELOW = re.compile(
    r"\bbelow\b|\binline\b|\bin-line\b|\bunten\b|\bim text\b|ci-dessous|\babajo\b|\babaixo\b|\bqui sotto\b|\bdi seguito\b|\bhieronder\b"
    r"|\bnedan\b|\bnedenfor\b|\balla\b|poniżej|\bníže\b|\bnižšie\b|ниже|нижче|aşağıda|\balább\b|mai jos|παρακάτω|以下|下面|下記|아래|أدناه|להלן"
)

# What lists, programs and law departments put beneath a mail: the beginnings of such paragraphs.
_FEET = """
to unsubscribe from this|to unsubscribe from these|to unsubscribe, e-mail|to unsubscribe, send|unsubscribe:|if you no longer wish to receive
you received this message because you|you are receiving this because you|you're receiving this|you are receiving this email because
this e-mail has been checked for viruses|this email has been checked for viruses|virus-free. www.|virus-free.www.|diese e-mail wurde von avast
diese e-mail wurde auf viren geprüft|l'absence de virus dans ce courrier|cet e-mail a été vérifié|el software de antivirus avast
este e-mail foi verificado|questa e-mail è stata controllata|deze e-mail is gecontroleerd op virussen|проверено на вирусы
to respond, reply to this email or visit|reply to this email directly or view it on|visit topic or reply to this email
um sich von dieser gruppe abzumelden|sie erhalten diese nachricht, weil|pour vous désabonner de ce|vous recevez ce message, car vous
para anular la suscripción a este|has recibido este mensaje porque|você recebeu essa mensagem porque|hai ricevuto questo messaggio perché
u ontvangt dit bericht omdat|вы получили это сообщение, поскольку|otrzymujesz tę wiadomość, ponieważ
confidentiality notice|this e-mail and any attachments|this email and any attachments|this email and any files transmitted
this e-mail and any files transmitted|this message contains confidential|this e-mail may contain confidential
this email may contain confidential|the information contained in this e-mail|the information contained in this email
diese e-mail enthält vertrauliche|diese nachricht enthält vertrauliche|ce message et toutes les pièces jointes|ce message est confidentiel
este mensaje y sus archivos adjuntos|este mensaje puede contener información confidencial|esta mensagem pode conter informação confidencial
questo messaggio e i suoi allegati|dit bericht en eventuele bijlagen|dit e-mailbericht en eventuele bijlagen
"""
FOOT = re.compile(rf"(?:{_either(_FEET)})")
