"""Words that tell how somebody feels, in English. A star stands for any ending. Written for service mail by this house."""

COMMON = (
    "the and is are was it i you my to of have has that this not with for we your me been they on what how when will"
)
DENIES = """
no not never none nobody nothing neither nor without hardly barely cannot cant can't dont don't doesnt doesn't didnt
didn't isnt isn't wasnt wasn't arent aren't werent weren't wont won't wouldnt wouldn't couldnt couldn't shouldnt shouldn't
havent haven't hasnt hasn't hadnt hadn't aint ain't stopped
"""
STRONGER = """
very really so extremely absolutely totally completely utterly incredibly truly deeply too such highly especially most
quite seriously beyond ridiculously insanely super
"""
WEAKER = "slightly somewhat bit little fairly rather mildly kinda partly almost"
GREAT = """
amazing* excellent excellently fantastic* wonderful* brilliant* awesome* perfect perfectly outstanding* superb* love loved
loving delighted thrilled marvel* exceptional* flawless* impeccable* best stellar lifesaver overjoyed ecstatic
phenomenal* magnificent* terrific fabulous impressed gem incredible adore* unbeatable champion
"""
GOOD = """
good great nice nicely thanks thank thx ty appreciate* grateful* gratitude happy happily happier glad gladly pleased pleasant*
pleasure helpful* helps helped satisf* smooth smoothly quick quickly swift* prompt promptly friendly kind kindly kindness polite*
courteous* patient professional* efficient* effective* reliable* reliably easy easily easier simple solved resolved fixed works
worked working recommend* recommended cheers enjoy* fine fair fairly fast faster clear clearly convenient* comfortable*
impressive* useful valuable trustworthy trust trusted honest* welcoming improve* improved improvement* success* succeed*
win relief relieved reassur* calm calmly attentive* thoughtful* generous* caring understanding supportive knowledgeable
competent accurate* beautiful* lovely cheerful* bravo kudos congrat* yay hooray super cool neat handy sorted responsive*
like liked better well positive* thankful* smile* charming sweet sturdy spotless worth affordable intuitive hassle-free
"""
BAD = """
bad badly poor poorly problem* issue issues trouble* error errors fault faulty fail fails failed failing failure* broken broke
break breaks breaking bug bugs buggy slow slowly late delay* delayed wait* waiting missing miss missed lost lose wrong wrongly
incorrect* confus* unclear difficult* hard complain* complaint* unhappy sad sadly upset upsetting annoy* irritat* dissatisf*
disappoint* concern* worried worry* worrying worse unable impossible inconvenien* unfortunate* refuse* refused deny denied reject* ignored
ignore* ignoring unanswered unresolved unsolved unhelpful unprofessional* unreliable* unfair* unacceptable unjustified*
overcharg* expensive costly hidden cancel cancelled canceling unsubscribe refund damaged* damage defect* crash* crashed
crashing freez* froze stuck hang hangs dead useless* nonsense mess messy dirty rude rudely impolite careless* negligen*
sloppy weak lack* lacking short excuse* mistake* misled mislead* misleading false falsely sick tired bored doubt* regret*
sorry stress* stressful frustrat* unsatisf* struggl* suffer* hurt pain painful fear afraid anxious dishonest* broken-down
unexpected* unwanted spam blocked locked refusing neglect* dismiss* clueless incompeten* chaos chaotic overdue outage* down
again still repeatedly anymore unkept unreachable wasted waste
"""
AWFUL = """
terrible terribly awful* horrible horribly horrendous* disgust* disgrace* hate hated hates hating worst furious* angry
anger* livid outrag* unbelievable ridiculous scam* scammer* fraud* fraudulent* liar* lie lied lies lying steal* stole stolen
theft rip-off ripoff robbed robbery criminal* lawyer* lawsuit* sue suing legal ombudsman court police shameful* shame ashamed
insult* appalling appalled abysmal* atrocious* pathetic* nightmare* catastroph* disaster* garbage trash crap crappy rubbish
joke laughable fuming enraged infuriat* despicable* deplorable* intolerable* unforgivable* inexcusable* bullshit shit damn
hell sucks suck sucked boycott disrespect* humiliat* cheat* cheated betray* desperate* devastat* threaten* harass* vile
"""
PHRASES = {
    "no problem": 1.0, "no worries": 1.0, "not bad": 1.0, "thanks in advance": 0.0, "thank you in advance": 0.0,
    "no longer works": -1.5, "does not work": -1.5, "doesn't work": -1.5, "not working": -1.5, "stopped working": -1.5,
    "fed up": -2.0, "had enough": -2.0, "last straw": -2.0, "waste of time": -2.0, "waste of money": -2.0,
    "how hard can it be": -2.0, "third time": -1.5, "fourth time": -1.5, "no one answers": -1.5, "nobody answers": -1.5,
    "no answer": -1.5, "no reply": -1.5, "no response": -1.5, "never again": -2.0, "keep up": 1.0, "well done": 2.0,
    "good job": 2.0, "great job": 2.0, "of course": 0.0, "please help": 0.0, "can you help": 0.0, "as well": 0.0,
    "would like": 0.0, "good morning": 0.0, "good afternoon": 0.0, "good evening": 0.0, "good day": 0.0,
    "kind regards": 0.0, "best regards": 0.0, "best wishes": 0.0, "how long": 0.0, "not happy": -2.0, "too late": -1.5,
    "not good enough": -2.0, "made my day": 2.0, "can't wait": 1.0, "can't wait any longer": -1.5, "cannot wait any longer": -1.5, "works again": 1.5, "works now": 1.5, "looking forward": 0.5,
    "sick of": -2.0, "tired of": -2.0, "let down": -1.5, "what a joke": -2.0, "five stars": 2.0, "one star": -2.0,
}  # fmt: skip
