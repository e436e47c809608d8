//! The table of rules: every code that an officer can meet, its grade, its sentence in Vietnamese and English, and what can be
//! done instead.

/// How grave a finding is. The order is from grave to light.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Grade {
    /// Never passes.
    Refuse,
    /// Passes with a senior officer's written reason.
    Override,
    /// Passes; worth knowing.
    Note,
}

/// One row of the table.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    pub code: &'static str,
    pub grade: Grade,
    pub vi: &'static str,
    pub en: &'static str,
    /// What the officer can do instead.
    pub instead_vi: &'static str,
    pub instead_en: &'static str,
}

/// The rule of a code, for whoever meets the code alone.
pub fn explain(code: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.code == code)
}

/// All rules, in order.
pub fn all() -> &'static [Rule] {
    RULES
}

/// The rule of a code that this room itself writes; a code without a row is shown as `unreadable`, and a test finds it.
pub(super) fn known(code: &'static str) -> &'static Rule {
    explain(code).unwrap_or(&UNREADABLE)
}

const UNREADABLE: Rule = refuse(
    "unreadable",
    "Không đọc được dòng này.",
    "This line can't be read.",
    "Nhập lại một đối tượng trên một dòng.",
    "Enter one subject a line.",
);

const fn rule(grade: Grade, texts: [&'static str; 5]) -> Rule {
    let [code, vi, en, instead_vi, instead_en] = texts;
    Rule {
        code,
        grade,
        vi,
        en,
        instead_vi,
        instead_en,
    }
}

const fn refuse(
    code: &'static str,
    vi: &'static str,
    en: &'static str,
    instead_vi: &'static str,
    instead_en: &'static str,
) -> Rule {
    rule(Grade::Refuse, [code, vi, en, instead_vi, instead_en])
}

const fn overridable(
    code: &'static str,
    vi: &'static str,
    en: &'static str,
    instead_vi: &'static str,
    instead_en: &'static str,
) -> Rule {
    rule(Grade::Override, [code, vi, en, instead_vi, instead_en])
}

const fn note(code: &'static str, vi: &'static str, en: &'static str) -> Rule {
    rule(Grade::Note, [code, vi, en, "", ""])
}

#[rustfmt::skip]
static RULES: &[Rule] = &[
    // ---- the subject: never ----
    refuse("public_suffix", "Đây là đuôi tên miền chung: chặn nó là chặn mọi tên miền bên dưới.", "It is a public suffix: to block it is to block every name below it.", "Nhập từng tên miền vi phạm.", "List the violating names themselves."),
    refuse("private_suffix", "Đây là tên miền gốc của một dịch vụ cấp tên miền con cho hàng nghìn khách hàng không liên quan.", "It is a private suffix: thousands of unrelated customers have names below it.", "Nhập tên miền con của người vi phạm, hoặc yêu cầu nhà cung cấp gỡ bỏ.", "List the violator's own name below it, or ask the provider for removal."),
    refuse("covers_suffix", "Bên dưới tên này có đuôi tên miền chung.", "A public suffix lies below it.", "Nhập từng tên miền vi phạm.", "List the violating names themselves."),
    refuse("protected_name", "Tên miền được bảo vệ, nằm dưới một tên được bảo vệ, hoặc chặn cả một tên được bảo vệ.", "It is a protected name, lies below one, or would take one with it.", "Liên hệ cơ quan chủ quản của tên miền; nếu danh sách bảo vệ sai, đề nghị sửa danh sách.", "Turn to whoever runs the name; if the protected list is wrong, have the list corrected."),
    refuse("default_route", "Đây là toàn bộ Internet.", "It is the whole Internet.", "Nhập địa chỉ hoặc dải địa chỉ vi phạm.", "List the violating address or network."),
    refuse("protected_network", "Dải địa chỉ được bảo vệ, hoặc chứa hay trùng một dải được bảo vệ.", "It is a protected network, or holds or overlaps one.", "Nhập dải hẹp hơn không chứa địa chỉ được bảo vệ.", "List a narrower network without the protected one."),
    refuse("prefix_too_wide", "Dải địa chỉ rộng hơn mức cho phép.", "The network is wider than the cap.", "Nhập các dải hẹp hơn, từng dải có lý do riêng.", "List narrower networks, each for its own reason."),
    refuse("test_only", "Đối tượng dành riêng cho thử nghiệm.", "It is set aside for tests.", "Dùng loại `test`, hoặc nhập đối tượng khác.", "Use the category `test`, or list another subject."),
    refuse("not_for_test", "Loại `test` chỉ dùng cho đối tượng dành riêng cho thử nghiệm.", "The category `test` is only for subjects set aside for tests.", "Chọn loại vi phạm của kế hoạch, hoặc dùng đối tượng trong lists/test-subjects.toml.", "Choose a category of the plan, or a subject of lists/test-subjects.toml."),
    refuse("bad_line", "Dòng không ở dạng chuẩn.", "It is no canonical line of a part.", "Nhập danh sách qua bước kiểm tra để có dạng chuẩn.", "Pass the list through the check, which gives the canonical form."),
    refuse("not_opened", "Cam kết mật mã chưa được mở: không ai kiểm tra được nó ghi gian hàng hay tài khoản nào.", "The commitment isn't opened, so that nobody can check whom it lists.", "Đề xuất lại bằng công cụ Blockfeed, công cụ gửi kèm phần mở.", "Propose it anew with Blockfeed, which sends the openings."),
    refuse("listed_twice", "Một gian hàng hay tài khoản xuất hiện hai lần trong quyết định.", "The same seller or account stands twice in the decision.", "Bỏ một trong hai dòng.", "Leave one of the lines out."),
    refuse("bad_identifier", "Mã không đúng dạng của nền tảng (số điện thoại không bao giờ được ghi).", "The id isn't of a form that the platform has (a telephone number never is).", "Dán đường dẫn của gian hàng hoặc tài khoản; mã sẽ được đọc từ đó.", "Paste the URL of the shop or account; the id is read from it."),
    // ---- the subject: with a senior officer's reason ----
    overridable("below_protected", "Nằm dưới một tên miền thiết yếu (hạ tầng của chính đơn vị đó).", "It lies below an essential name, and is most likely its owner's own infrastructure.", "Kiểm tra ai vận hành máy chủ này; nếu đúng là vi phạm, lãnh đạo ghi lý do.", "See who runs the host; if it is a violator, a senior officer writes the reason."),
    overridable("platform_host", "Nhiều người không liên quan cùng đăng nội dung dưới tên này (gian hàng, blog, rút gọn liên kết, DNS động, CDN).", "Many unrelated people publish under this name (shops, blogs, shorteners, dynamic DNS, delivery networks).", "Nhập tên miền con của người vi phạm, hoặc yêu cầu nhà cung cấp gỡ bỏ.", "List the violator's own name below it, or ask the provider for removal."),
    overridable("shared_network", "Địa chỉ thuộc hạ tầng dùng chung: một địa chỉ phục vụ nhiều tên miền không liên quan.", "It lies in shared infrastructure: one address serves many unrelated names.", "Chặn theo tên miền thay vì theo địa chỉ.", "Block the name, not the address."),
    overridable("popular_name", "Tên miền thuộc nhóm được truy cập nhiều nhất.", "It is among the most visited names.", "Kiểm tra lại; nếu đúng là vi phạm, lãnh đạo ghi lý do.", "Look again; if it is a violator, a senior officer writes the reason."),
    overridable("reserved_suffix", "Đuôi tên miền dành cho cơ quan nhà nước, trường học và tổ chức (edu.vn, gov.uk, …).", "Its suffix is for authorities, schools and institutions (edu.vn, gov.uk, …).", "Kiểm tra có phải trang của cơ quan hay trường học bị chiếm quyền không; nếu đúng là vi phạm, lãnh đạo ghi lý do.", "See whether it is an institution's site that was broken into; if it is a violator, a senior officer writes the reason."),
    overridable("known_shop", "Cửa hàng đã đăng ký hoặc thông báo với cơ quan quản lý, giấy còn hiệu lực.", "A register of lawful e-commerce sites knows it, and its entry is valid.", "Làm việc với chủ cửa hàng qua số đăng ký; nếu vẫn phải chặn, lãnh đạo ghi lý do.", "Take it up with the holder by the number of the entry; if it must be blocked all the same, a senior officer writes the reason."),
    overridable("crowded_address", "Nhiều tên miền khác cùng ở địa chỉ này.", "Many other names are at this address.", "Chặn theo tên miền thay vì theo địa chỉ.", "Block the name, not the address."),
    overridable("aggregate_too_wide", "Các dải trong quyết định gộp lại rộng hơn mức cho phép.", "Together the decision's networks make one that is wider than the cap.", "Bỏ bớt các dải không có lý do riêng; nếu cả dải vi phạm, lãnh đạo ghi lý do.", "Leave out networks without a reason of their own; if all of it is a violator's, a senior officer writes the reason."),
    overridable("brand_abroad", "Tên của một thương hiệu thiết yếu dưới đuôi của một nước: thường là của chính thương hiệu đó.", "It is an essential brand's name under a country's suffix, and most likely its own.", "Kiểm tra ai đăng ký tên này; nếu là kẻ mạo danh, lãnh đạo ghi lý do.", "See who registered it; if it is somebody who poses as the brand, a senior officer writes the reason."),
    overridable("brand_itself", "Tài khoản hoặc gian hàng mang đúng tên một thương hiệu được bảo vệ: có thể là trang chính thức.", "The account or shop bears exactly the name of a protected brand, and may be the brand's own.", "Hỏi thương hiệu đó; nếu là kẻ mạo danh, lãnh đạo ghi lý do.", "Ask the brand; if somebody poses as it, a senior officer writes the reason."),
    // ---- the decision ----
    refuse("category_unknown", "Loại vi phạm không thuộc kế hoạch.", "The category is none of the plan's.", "Vi phạm khác nằm ngoài kế hoạch 399; chọn một loại trong danh sách.", "Other violations are outside Plan 399; choose a category of the list."),
    refuse("head_unknown", "Nhóm (buôn lậu, gian lận thương mại, hàng giả) không đúng.", "The head is none of the plan's three.", "Chọn smuggling, trade_fraud hoặc counterfeit.", "Choose smuggling, trade_fraud or counterfeit."),
    refuse("goods_unknown", "Nhóm mặt hàng không có trong danh sách.", "The goods group is not in the list.", "Chọn nhóm có sẵn, hoặc `other`.", "Choose one of the list, or `other`."),
    refuse("method_unknown", "Phương thức không có trong danh sách.", "The method is not in the list.", "Chọn phương thức có sẵn, hoặc `other`.", "Choose one of the list, or `other`."),
    refuse("measure_missing", "Chưa chọn biện pháp.", "No measure is named.", "Chọn ít nhất một biện pháp.", "Name at least one."),
    refuse("measure_unknown", "Biện pháp không có trong danh sách.", "The measure is not in the list.", "Chọn biện pháp có sẵn.", "Choose one of the list."),
    refuse("measure_not_for_kind", "Biện pháp không áp dụng cho đối tượng nào trong quyết định.", "The measure applies to none of the decision's subjects.", "Bỏ biện pháp đó, hoặc thêm đối tượng phù hợp.", "Leave the measure out, or add subjects that it is for."),
    refuse("subject_without_measure", "Có đối tượng mà không biện pháp nào áp dụng.", "No measure applies to some of the subjects.", "Thêm biện pháp cho loại đối tượng đó, hoặc bỏ các đối tượng ấy.", "Add a measure for their kind, or leave them out."),
    refuse("basis_missing", "Thiếu căn cứ pháp lý: cơ quan, số, ngày của văn bản.", "The legal basis is incomplete: authority, number and date of the document.", "Ghi đủ cơ quan ban hành, số văn bản và ngày (2026-09-01).", "Give the authority, the number and the date (2026-09-01)."),
    refuse("basis_date", "Ngày của căn cứ pháp lý không đọc được hoặc ở tương lai.", "The date of the legal basis can't be read or lies in the future.", "Ghi ngày dạng 2026-09-01.", "Write it as 2026-09-01."),
    refuse("end_missing", "Thiếu ngày hết hiệu lực.", "There is no end date.", "Mọi quyết định đều có thời hạn; ghi ngày hết hiệu lực.", "Every decision ends; give its end."),
    refuse("end_passed", "Ngày hết hiệu lực đã qua.", "The end date has passed.", "Ghi ngày trong tương lai.", "Give a day to come."),
    refuse("end_too_far", "Thời hạn dài hơn mức của loại vi phạm.", "It lasts longer than its category allows.", "Ghi thời hạn trong mức cho phép; khi gần hết hạn có thể gia hạn bằng quyết định `amend`.", "Keep within the bound; near its end it can be extended by an `amend`."),
    refuse("authority_unknown", "Không có cơ quan này trong danh sách.", "The authority is not in the list.", "Ghi tên hoặc mã cơ quan như trong lists/units.toml.", "Write its name or id as in lists/units.toml."),
    refuse("authority_ended", "Cơ quan này không còn vào ngày quyết định.", "The authority no longer exists, or not yet, on the day of the decision.", "Ghi cơ quan kế nhiệm.", "Name its successor."),
    refuse("not_competent", "Cơ quan không có thẩm quyền áp dụng biện pháp này cho loại vi phạm này.", "The authority has no competence for this measure and category.", "Chuyển hồ sơ cho cơ quan có thẩm quyền, hoặc chọn biện pháp khác.", "Hand the case to an authority that has, or choose another measure."),
    // ---- the text ----
    refuse("not_utf8", "Dòng không phải UTF-8.", "The line is not UTF-8.", "Lưu tệp dạng UTF-8 (Excel: CSV UTF-8) rồi nhập lại.", "Save the file as UTF-8 (Excel: CSV UTF-8) and enter it again."),
    refuse("control_character", "Dòng có ký tự vô hình có thể làm nó trông giống dòng khác.", "It holds an invisible character, which can make it look like another.", "Gõ lại dòng này bằng tay.", "Type the line anew."),
    refuse("personal_data", "Số điện thoại, thư điện tử, số giấy tờ hay số tài khoản không bao giờ được đưa vào danh sách.", "Telephone numbers, e-mail addresses, identity and bank numbers never enter a list.", "Nhập mã tài khoản của nền tảng.", "Enter the account by its id on the platform."),
    refuse("personal_text", "Lý do được công bố: không ghi số điện thoại, thư điện tử hay số giấy tờ của cá nhân.", "Reasons are public: no telephone number, e-mail address or identity number of a person stands in them.", "Xoá số đó khỏi lý do; chứng cứ để trong hồ sơ. Mã số thuế của doanh nghiệp: ghi MST ngay trước số.", "Take it out of the text; evidence belongs in the case. A company's tax code: write MST right before it."),
    refuse("one_label", "Tên miền có ít nhất hai nhãn.", "A domain name has at least two labels.", "Nhập tên đầy đủ, ví dụ shop.vn.", "Enter the whole name, such as shop.vn."),
    refuse("bad_name", "Không phải tên miền.", "It is no domain name.", "Sửa lại tên miền.", "Correct the name."),
    refuse("bad_idn", "Tên miền có ký tự mà không nhà đăng ký nào cấp (UTS 46).", "It is no internationalised name under UTS 46.", "Chép lại tên từ thanh địa chỉ của trình duyệt.", "Copy the name from a browser's address bar."),
    refuse("special_use", "Đuôi tên này không có trên Internet công cộng: không máy phân giải nào hỏi tới, nên không thể chặn.", "Names of this ending aren't on the public internet: no resolver asks for them, and no zone can block them.", "Kiểm tra lại tên; với địa chỉ, nhập dạng 203.0.113.0/24.", "Check the name; for addresses write 203.0.113.0/24."),
    refuse("bad_address", "Không phải địa chỉ hay dải địa chỉ.", "It is no address or network.", "Nhập dạng 203.0.113.0/24 hoặc 2001:db8::/32.", "Write 203.0.113.0/24 or 2001:db8::/32."),
    refuse("host_bits", "Dải địa chỉ có bit khác 0 bên dưới tiền tố.", "Bits below the prefix are set.", "Nhập dải được gợi ý, hoặc một địa chỉ riêng.", "Enter the network that is offered, or the one address."),
    refuse("v4_mapped", "Địa chỉ IPv4 viết trong IPv6.", "It is an IPv4 address inside IPv6.", "Nhập chính địa chỉ IPv4.", "Enter the IPv4 address itself."),
    refuse("url_with_path", "Đường dẫn chỉ tới một trang; chặn tên miền là chặn cả trang web.", "It names one page; a block takes the whole host.", "Nếu muốn chặn cả tên miền, nhập tên được gợi ý.", "If the whole host is meant, enter the name that is offered."),
    refuse("port", "Dòng chỉ tới một cổng; chặn tên miền là chặn mọi cổng.", "It names one port; a block takes the whole host.", "Nếu muốn chặn cả tên miền, nhập tên được gợi ý.", "If the whole host is meant, enter the name that is offered."),
    refuse("user_info", "Phần trước @ che giấu máy chủ thật.", "What stands before the @ hides the real host.", "Nhập phần sau dấu @.", "Enter what stands after the @."),
    refuse("inner_wildcard", "Dấu * chỉ đứng ở đầu.", "A star stands only at the front.", "Nhập từng tên, hoặc *.tên-cha.", "List each name, or *.parent."),
    refuse("several_subjects", "Một dòng chỉ chứa một đối tượng.", "One line holds one subject.", "Tách thành nhiều dòng.", "Put each on a line of its own."),
    refuse("allow_rule", "Quy tắc này cho phép chứ không chặn.", "The rule lets through and doesn't block.", "Bỏ dòng này.", "Leave the line out."),
    refuse("rule_options", "Quy tắc chỉ chặn có điều kiện; chặn theo tên không giữ được điều kiện.", "The rule blocks only under conditions, which a block by name can't keep.", "Nếu muốn chặn cả tên miền, chỉ nhập tên.", "If the whole name is meant, enter the name alone."),
    refuse("not_a_list", "Đây là một phần của tài liệu (JSON, …), không phải dòng của danh sách.", "It is a piece of a document (JSON, …) and no line of a list.", "Nhập một đối tượng trên một dòng.", "Enter one subject a line."),
    refuse("not_an_account", "Trang này không phải gian hàng hay tài khoản (video, bài viết, danh mục).", "It is no seller or account (a video, a post, a category).", "Nhập địa chỉ của gian hàng hoặc tài khoản.", "Enter the seller's or account's own address."),
    refuse("listing_without_seller", "Đây là trang sản phẩm; đường dẫn không cho biết gian hàng nào bán.", "It is a product whose URL doesn't say who sells it.", "Mở trang sản phẩm và nhập địa chỉ của gian hàng bán nó.", "Open it and enter the address of the shop that sells it."),
    refuse("ambiguous_url", "Đường dẫn có thể hiểu theo nhiều cách (`..`, `\\`, hoặc một tham số mang hai giá trị).", "Programs disagree on where the URL leads (`..`, `\\`, or one parameter with two values).", "Mở đường dẫn và nhập địa chỉ rõ ràng.", "Open it and enter the plain address."),
    refuse("bad_alias", "Hai vế không phải là mã số và tên của cùng một gian hàng hay tài khoản.", "The two sides are not the number and the name of one seller or account.", "Ghi mã số bên trái, tên bên phải, cùng một nền tảng; nếu không, mỗi bên một dòng.", "Put the number on the left and the name on the right, of one platform; otherwise give each a line of its own."),
    refuse("unresolved_link", "Liên kết rút gọn: chỉ nền tảng biết nó dẫn tới đâu.", "It is a short link, which its platform alone can resolve.", "Mở liên kết và nhập địa chỉ cuối cùng.", "Open it and enter where it leads."),
    refuse("reserved_path", "Đây là trang của chính nền tảng.", "It is a page of the platform itself.", "Nhập địa chỉ của tài khoản vi phạm.", "Enter the violator's account."),
    refuse("test_host", "Đây là máy chủ thử nghiệm của nền tảng.", "It is a test installation of the platform.", "Nhập địa chỉ trên nền tảng thật.", "Enter the address on the live platform."),
    refuse("unknown_platform", "Nền tảng chưa có trong lists/platforms.toml.", "The platform is not in lists/platforms.toml.", "Đề nghị thêm nền tảng, hoặc nhập đường dẫn đầy đủ.", "Have it added, or enter the whole URL."),
    // ---- the subject: worth knowing ----
    note("unregistered", "Tên miền chưa ai đăng ký: chặn chưa có tác dụng.", "Nobody has registered the name: a block has no effect yet."),
    note("registered_lately", "Tên miền mới đăng ký.", "It was registered lately."),
    note("registered_long_ago", "Tên miền đăng ký đã lâu: có thể là trang lành bị chiếm quyền.", "It was registered long ago, and may be a lawful site that was broken into."),
    note("registration_expired", "Đăng ký tên miền đã hết hạn.", "Its registration has expired."),
    note("registration_held", "Nhà đăng ký đã treo tên miền.", "Its registrar or registry holds it already."),
    note("licence_ended", "Cơ quan quản lý từng biết cửa hàng này; giấy đã hết hiệu lực.", "A register of e-commerce sites knew it; the entry has ended."),
    note("ranked_name", "Tên miền có trong danh sách xếp hạng truy cập.", "It has a rank in a list by popularity."),
    note("below_popular", "Nằm dưới một tên miền được truy cập nhiều.", "It lies below a popular name."),
    note("not_in_dns", "Tên miền không trỏ tới đâu trong DNS.", "It leads nowhere in the DNS."),
    note("wildcard_dns", "Mọi tên bên dưới đều trỏ tới (DNS wildcard): nên chặn cả các tên bên dưới.", "Whatever is below it resolves too (a wildcard): list it with all below."),
    note("parked", "Tên miền đang rao bán hoặc để không.", "It is parked."),
    note("dnssec_bogus", "Chữ ký DNSSEC của tên miền không hợp lệ.", "Its DNSSEC signatures don't hold."),
    note("other_names", "Có tên miền khác ở địa chỉ này.", "Other names are at this address."),
    note("vietnamese_network", "Địa chỉ ở Việt Nam: nhà mạng trong nước có thể xử lý trực tiếp.", "It is in Vietnam: its operator can be told to act."),
    note("foreign_network", "Địa chỉ ở nước ngoài.", "It is abroad."),
    note("unallocated_network", "Chưa ai được cấp dải địa chỉ này.", "Nobody was given this address space."),
    note("aggregation", "Các dải liền nhau gộp thành một dải.", "Adjacent networks make up one."),
    note("source_failed", "Một nguồn dữ liệu không trả lời được.", "A source gave no answer that can be used."),
    note("source_old", "Dữ liệu của một nguồn đã cũ.", "What a source says is old."),
    note("no_source", "Không có nguồn nào để hỏi.", "There is no source to ask."),
    note("not_asked", "Chưa hỏi các nguồn trực tuyến.", "Live sources weren't asked."),
    note("suffix_list_old", "Danh sách đuôi tên miền chung đã cũ: có thể phân loại sai.", "The public suffix list is old, and may decide wrongly."),
    note("list_old", "Một danh sách trong lists/ đã cũ.", "A list of lists/ is old."),
    note("look_alike", "Giống tên một thương hiệu được bảo vệ.", "It resembles the name of a protected brand."),
    // ---- how the text was understood ----
    note("address", "Một địa chỉ: dải chỉ gồm một địa chỉ.", "A bare address: a network of one."),
    note("alias", "Dòng nêu thêm tên khác của cùng gian hàng hay tài khoản.", "The line states other names of the same seller or account."),
    note("comment", "Phần chú thích cuối dòng không được đọc.", "A comment at the end of the line was not read."),
    note("defanged", "Viết để không bấm được (hxxp, [.]).", "It was written so that it can't be clicked (hxxp, [.])."),
    note("hosts", "Dòng của tệp hosts: chặn cả các tên bên dưới; ghi ` =` sau tên nếu chỉ chặn đúng tên đó.", "A line of a hosts file: taken with all below the name; write ` =` after the name for the name alone."),
    note("listing", "Trang sản phẩm: được hiểu là gian hàng mà đường dẫn nêu.", "A listing, taken for the seller whose id its URL carries."),
    note("default_port", "Cổng mặc định.", "It names the default port."),
    note("rule", "Quy tắc chặn của công cụ khác.", "A blocking rule of another tool."),
    note("wildcard", "*.tên: chặn cả chính tên đó.", "*.name: the name itself is covered too."),
    note("www", "Chỉ www.tên; tên không có www không bị chặn.", "www.name alone: the bare name isn't covered."),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subject::typed::{Code, Note};

    #[test]
    fn every_code_stands_once_and_says_what_to_do() {
        for (at, rule) in RULES.iter().enumerate() {
            assert!(
                RULES
                    .iter()
                    .skip(at + 1)
                    .all(|other| other.code != rule.code),
                "{}",
                rule.code
            );
            assert!(!rule.vi.is_empty() && !rule.en.is_empty());
            assert!(
                rule.grade == Grade::Note
                    || (!rule.instead_vi.is_empty() && !rule.instead_en.is_empty())
            );
        }
        for code in Code::ALL {
            assert_eq!(
                explain(code.as_str()).map(|rule| rule.grade),
                Some(Grade::Refuse),
                "{}",
                code.as_str()
            );
        }
        for note in Note::ALL {
            assert_eq!(
                explain(note.code()).map(|rule| rule.grade),
                Some(Grade::Note),
                "{}",
                note.code()
            );
        }
    }
}
